"""A child: serves the parent that started this process."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from . import log, zygote
from .asking import Asker, Peer
from .calls import TRACE_HEADERS, Lanes, Parent
from .errors import NoLane
from .frames import DEFAULT_LIMIT, FrameSocket, adopt, pair
from .handlers import Handlers
from .messages import Hello
from .server import Server

FD_VARIABLE = "TINY_IPC_FD"
HELLO_VARIABLE = "TINY_IPC_HELLO"
SIZE_VARIABLE = "TINY_IPC_MAX_MESSAGE_SIZE"
BLOCKS_VARIABLE = "TINY_IPC_BLOCKS"
NOT_FOR_CHILDREN = (
    FD_VARIABLE,
    HELLO_VARIABLE,
    SIZE_VARIABLE,
    BLOCKS_VARIABLE,
    log.PREFIX_VARIABLE,
    "TINY_IPC_CHILD",
    "TINY_IPC_SPIN_MICROS",
    "TINY_IPC_MAPPER_CUSTOMIZER",
    zygote.ZYGOTE_VARIABLE,
)
"""Variables that are for this process alone."""

_GLANCE = 0.1
"""Seconds after which it is looked for a SIGTERM, while handlers are waited for."""


class App(Handlers):
    """The handlers of a child, and the loop that calls them.

    ::

        app = App(concurrency=8)

        @app.handler("scale")
        def scale(request):
            return {"width": request.payload["width"] * 2}

        app.run()
    """

    def __init__(
        self,
        concurrency: int = 1,
        *,
        logging: bool = True,
        grace: float = 5.0,
        blocks: bool = False,
    ) -> None:
        """
        :param concurrency: how many requests are handled at a time
        :param logging: whether the root logger writes to stderr, for the parent to read
        :param grace: for how many seconds handlers may go on once the parent is gone
        :param blocks: whether large byte strings go through shared memory, if the parent has that.
            Those of requests are then read-only memoryviews, valid until the handler has answered
        """
        super().__init__()
        if concurrency < 1:
            raise ValueError("The concurrency must be at least 1")
        self.concurrency = concurrency
        self._grace = grace
        self._socket: FrameSocket | None = None
        self._takes_blocks = blocks
        self._blocks_size = 0
        self._invited = False
        self._is_zygote = False
        self._server: Server | None = None
        self._lanes: Lanes | None = None
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._old_term: Any = None
        self._stack_signal: int | None = None
        self._waits = False
        self._terminated = False
        if logging:
            log.install()

    def run(self) -> None:
        """Serves the parent until it closes its end. Raises BrokenFrame if the parent breaks the
        protocol: let the process end with that."""
        self._waits = True
        self.start()
        self.ready()
        self.wait()

    def start(self) -> None:
        """Takes over the socket. Nothing is served yet, and SIGTERM does not end this process any
        more while the parent is there."""
        if self._socket is not None:
            raise RuntimeError("The app was started already")
        number = os.environ.get(FD_VARIABLE)
        if number is None:
            raise RuntimeError(
                f"This program was not started as a child: the environment variable {FD_VARIABLE}"
                " is not set. Declare it with @ChildProcess in Spring, or start it with"
                " tiny_ipc.Child"
            )
        limit = int(os.environ.get(SIZE_VARIABLE, DEFAULT_LIMIT))
        self._invited = os.environ.get(HELLO_VARIABLE) == "1"
        self._is_zygote = os.environ.get(zygote.ZYGOTE_VARIABLE) == "1"
        if self._takes_blocks and self._invited:
            self._blocks_size = int(os.environ.get(BLOCKS_VARIABLE, 0))
        for variable in NOT_FOR_CHILDREN:
            os.environ.pop(variable, None)
        self._socket = FrameSocket(adopt(int(number)), limit)
        self._stack_signal = log.enable_faulthandler()
        if threading.current_thread() is threading.main_thread():
            self._old_term = signal.signal(signal.SIGTERM, self._terminate)

    def ready(self) -> None:
        """Tells the parent that this process is ready, and begins to serve.

        If the child was declared with ``zygote``, this process stays here and forks whenever the
        parent needs a process, and this returns in the forked ones. Raises RuntimeError if that
        is not safe because of threads or event loops."""
        if self._socket is None or self._server is not None:
            raise RuntimeError("Call start(), and then ready() once")
        if self._is_zygote:
            self._socket = zygote.serve(self._socket)
            self._is_zygote = False
        lanes = self.concurrency if self._invited else 1
        self._server = Server(
            self,
            workers=lanes,
            max_lanes=lanes,
            blocks_size=self._blocks_size,
            takes_cancels=self._invited,
            names_methods=self._invited,
            parent=self._parent_for,
            first_ended=self._parent_ended,
        )
        if self._invited:
            self._send_hello(self._socket)
        self._server.add(self._socket, is_first=True)

    def _send_hello(self, sock: FrameSocket) -> None:
        hello = Hello(
            protocol=2,
            envelope=True,
            cancel=True,
            lanes=self.concurrency,
            methods=self.methods,
            max_message_size=sock.limit,
            stack_signal=self._stack_signal,
            blocks=self._blocks_size or None,
        )
        ours, theirs = pair()
        with theirs:
            try:
                sock.send([hello.body()], [theirs.fileno()])
            except OSError:
                pass  # the parent is gone, as the first receive will tell
        asker = Asker(FrameSocket(ours, sock.limit), Peer(envelope=True, cancel=True))
        self._lanes = Lanes(asker, lambda: None)

    def wait(self) -> None:
        """Waits until the parent has closed its end, and then for handlers that are running."""
        if self._server is None:
            raise RuntimeError("Call start() and ready() first")
        self._waits = True
        self._ended.wait()
        if self._error is None:
            self._drain(self._server)
        self._server.close()
        if self._lanes is not None:
            self._lanes.close("The parent has closed its end")
        if self._old_term is not None:
            signal.signal(signal.SIGTERM, self._old_term)
        if self._error is not None:
            raise self._error

    def _drain(self, server: Server) -> None:
        deadline = time.monotonic() + self._grace
        idle = server.drain(0)
        while not idle and not self._terminated and time.monotonic() < deadline:
            idle = server.drain(_GLANCE)
        if self._terminated and not idle and not server.drain(_GLANCE):
            _die(signal.SIGTERM)

    @property
    def parent(self) -> Parent:
        """Calls to the parent, from any thread, once this process is ready."""
        return self._parent_for({}, None)

    def _parent_for(self, headers: Mapping[str, str], ends_at: float | None) -> Parent:
        if self._lanes is None:
            if self._server is None:
                raise NoLane("Call ready() before you call the parent")
            raise NoLane("This parent does not serve calls of its children")
        trace = {name: headers[name] for name in TRACE_HEADERS if name in headers}
        return Parent(self._lanes, trace, ends_at)

    def _parent_ended(self, error: Exception | None) -> None:
        self._error = error
        self._ended.set()

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        """Service managers signal parent and children at once, and the parent may still wait for
        replies. It closes its end when it does not."""
        if not self._ended.is_set() and not self._parent_is_gone():
            return
        if self._waits:
            # It exits by itself, unless a handler hangs. Python calls this late on a busy machine:
            # the parent may have been there when the signal came.
            self._terminated = True
        else:
            _die(number)

    def _parent_is_gone(self) -> bool:
        assert self._socket is not None
        poll = select.poll()
        try:
            poll.register(self._socket.fileno(), select.POLLRDHUP)
        except (OSError, ValueError):
            return True  # it is closed
        return bool(poll.poll(0))


def _die(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
