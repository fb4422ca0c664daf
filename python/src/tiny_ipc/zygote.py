"""A zygote: a child that has loaded everything, and forks further ones instead of serving."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable

from . import cbor, messages
from .errors import IpcError
from .frames import EndOfSocket, Frame, FrameSocket, adopt

ZYGOTE_VARIABLE = "TINY_IPC_ZYGOTE"

FORK = "zygote.fork"
"""With four descriptors, which become 0 to 3 of the new process. Replies with its id."""

REAP = "zygote.reap"
"""With the id of a process that has ended. Replies with its status, as of waitpid(2)."""

_SOCKET = 3
_DESCRIPTORS = _SOCKET + 1
_OTHERWISE = (
    " in each forked process, which begins when ready() returns, or declare the child without"
    " 'zygote'."
)


def serve(sock: FrameSocket) -> FrameSocket:
    """Forks whenever the parent asks for it, and ends this process with the parent.

    Returns in the forked processes only, each time with the socket of the new process."""
    _require_one_thread()
    _require_no_event_loop()
    gc.collect()
    gc.freeze()  # or each fork would copy the memory of all objects to look for garbage
    restore = _keep_ends()
    # Libraries such as OpenBLAS end their threads before a fork, and start them again when they
    # need them. The parent counts the threads that are left.
    os.waitpid(_fork_nothing(), 0)
    zygote = _Zygote(sock)
    sock.send([zygote.hello()])
    while True:
        try:
            frame = sock.receive()
        except EndOfSocket:
            sys.exit(0)
        forked = zygote.answer(frame)
        if forked is not None:
            restore()
            return forked


class _Zygote:
    def __init__(self, sock: FrameSocket) -> None:
        self._socket = sock
        self._forks: set[int] = set()
        """Those that were not waited for. Until then, their numbers stay theirs."""

    def hello(self) -> bytes:
        return messages.Hello(
            protocol=2, envelope=True, methods=(FORK, REAP), max_message_size=self._socket.limit
        ).body()

    def answer(self, frame: Frame) -> FrameSocket | None:
        """Answers a request; in a process that this forks, returns its socket."""
        head = b""
        try:
            request = messages.parse(frame.body, self._socket.max_items)
            if request.number is not None:
                head = messages.envelope_head(request.number)
            if request.method == FORK:
                result = self._fork(frame)
                if isinstance(result, FrameSocket):
                    return result
            elif request.method == REAP:
                result = self._reap(request.payload())
            else:
                raise ValueError(f"A zygote does not serve the method {request.method!r}")
            reply = cbor.encode(result)
        except (OSError, ValueError, IpcError) as error:
            reply = messages.error_body(type(error).__name__, str(error))
        finally:
            frame.close()
        try:
            self._socket.send([head, reply])
        except OSError:
            pass  # the parent is gone, as the next receive will tell
        return None

    def _fork(self, frame: Frame) -> int | FrameSocket:
        if len(frame.descriptors) != _DESCRIPTORS:
            raise ValueError(
                f"{len(frame.descriptors)} descriptors came with a request to fork, and not"
                f" {_DESCRIPTORS}: input, output, error and socket"
            )
        _flush()
        pid = os.fork()
        if pid == 0:
            try:
                return _become_child(frame, self._socket.limit)
            except BaseException:  # it must not go on as a second zygote
                traceback.print_exc()
                os._exit(1)
        self._forks.add(pid)
        _own_group(pid)  # before the parent knows it
        return pid

    def _reap(self, pid: object) -> int:
        if not isinstance(pid, int) or pid not in self._forks:
            raise ValueError(f"{pid!r} is no process that was forked here and has not been reaped")
        self._forks.discard(pid)
        return os.waitpid(pid, 0)[1]


def _become_child(frame: Frame, limit: int) -> FrameSocket:
    """Makes the descriptors that came with the request those of this process. The zygote's own
    socket was closed by the fork, as all of this package."""
    os.setpgid(0, 0)
    sources = [_out_of_the_way(descriptor) for descriptor in frame.descriptors]
    frame.descriptors = []
    for number, source in enumerate(sources):
        os.dup2(source, number)
        os.close(source)
    # Python does this for its own generator.
    seed = getattr(sys.modules.get("numpy.random"), "seed", None)
    if seed is not None:
        seed()
    return FrameSocket(adopt(_SOCKET), limit)


def _out_of_the_way(descriptor: int) -> int:
    """Moves a descriptor away from the numbers of the targets, which it has if the program has
    closed stdin. Others stay: the parent may just have limited how many there can be."""
    if descriptor >= _DESCRIPTORS:
        return descriptor
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTORS)
    os.close(descriptor)
    return copy


def _keep_ends() -> Callable[[], object]:
    """Has forks reaped only when the parent asks for it: not by the kernel, if the program ignores
    SIGCHLD, and not by a handler. Returns what restores that in a fork."""
    handler = signal.getsignal(signal.SIGCHLD)
    if handler is None or handler == signal.SIG_DFL:  # None is one of native code
        return lambda: None
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return lambda: signal.signal(signal.SIGCHLD, handler)


def _fork_nothing() -> int:
    _flush()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def _own_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has ended, or was faster


def _flush() -> None:
    """What is in a buffer would be written by each process."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # there is no such stream


def _require_one_thread() -> None:
    this = threading.current_thread()
    others = [thread.name for thread in threading.enumerate() if thread is not this]
    if others:
        raise RuntimeError(
            "This program cannot be a zygote, because it has more than one thread, which a fork"
            f" would not have: {', '.join(others)}. Start threads" + _OTHERWISE
        )


def _require_no_event_loop() -> None:
    loops = [
        one
        for one in gc.get_objects()
        if issubclass(type(one), asyncio.AbstractEventLoop) and not one.is_closed()
    ]
    if loops:
        raise RuntimeError(
            f"This program cannot be a zygote, because it has an open event loop ({loops[0]!r}),"
            " which all forks would share. Open event loops" + _OTHERWISE
        )
