"""The other role: starts a program as a child, and asks it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import cbor, messages
from .app import FD_VARIABLE, HELLO_VARIABLE, NOT_FOR_CHILDREN, SIZE_VARIABLE
from .asking import Asker, Peer
from .calls import DEFAULT_TIMEOUT, Calls, Lanes, Message, Stream
from .errors import CallTimeout, IpcError, MalformedBody, PeerGone, ProtocolFault
from .files import Sendable
from .frames import DEFAULT_LIMIT, Frame, FrameSocket, adopt, pair
from .handlers import Handlers
from .messages import Hello
from .server import Server

MOST_LANES_OF_CALLS = 64
"""Of a child that says nothing about its own lanes; others may have at least as many as these."""

_SHELL = 'exec "$@" 3<&0 0</dev/null'
"""Popen puts the socket at 0, and nothing else is inherited; the child wants it at 3."""


class Child(Calls):
    """A program that runs as a child, with one end of a socket as its descriptor 3.

    ::

        with Child(["python3", "scale.py"]) as child:
            print(child.call({"width": 2}, method="scale"))
    """

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        stdout: Any = None,
        stderr: Any = None,
        ready: bool = False,
        start_timeout: float = 60.0,
        close_timeout: float = 5.0,
        max_message_size: int = DEFAULT_LIMIT,
        handlers: Handlers | None = None,
    ) -> None:
        """Starts the program.

        :param env: the whole environment, to which the variables of tiny-ipc are added
        :param ready: whether to wait until the child says by its hello that it is ready
        :param start_timeout: for how many seconds to wait for that
        :param close_timeout: how many seconds a child has to exit before it gets SIGTERM, and
            again before it gets SIGKILL
        :param max_message_size: in bytes, in both directions; the child is told
        :param handlers: answer the calls of the child
        """
        self._hello: Hello | None = None
        self._handlers = handlers or Handlers()
        self._server: Server | None = None
        self._close_timeout = close_timeout
        self._peer = Peer()
        self._process, sock = _start(command, env, cwd, stdout, stderr, max_message_size)
        self._first = Asker(FrameSocket(sock, max_message_size), self._peer, self._take_hello)
        super().__init__(Lanes(self._first, self._most_lanes, self._given_up))
        if ready:
            try:
                self._wait_until_ready(start_timeout)
            except BaseException:
                self.kill()
                self.close()
                raise

    def _wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        asker = self._lanes.acquire(deadline)
        try:
            asker.wait_for_hello(deadline)
        except CallTimeout:
            raise CallTimeout(
                f"The child did not say within {timeout} seconds that it is ready"
            ) from None
        except PeerGone:
            raise PeerGone(f"The child ended before it was ready: {self._exit()}") from None
        finally:
            self._lanes.release(asker)

    @property
    def hello(self) -> Hello | None:
        """What the child says about itself, or None if it has not said anything yet."""
        if self._hello is None:
            try:
                asker = self._lanes.acquire(time.monotonic())
            except IpcError:
                return self._hello  # it is in use, or gone
            self._lanes.release(asker)
        return self._hello

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As that of Popen: None while it runs, and the negative number of a signal."""
        return self._process.poll()

    def call(
        self,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        method: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Returns the payload of the reply. Files of the reply are closed, see ask().

        Waits for at most ``timeout`` seconds (``None``: as long as it takes). After that the
        request is cancelled, or the child is killed if it does not understand that.
        """
        with self.ask(payload, files, method, timeout, headers) as message:
            return message.payload

    def ask(
        self,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        method: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """Returns the reply with its files. Close it."""
        try:
            return self._call(method, payload, files, timeout, headers)
        except PeerGone as error:
            raise self._explained(error) from None

    def stream(
        self,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        method: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Stream:
        """Returns the elements of a streamed reply. Each may take as long as the timeout."""
        try:
            return self._stream(method, payload, files, timeout, headers)
        except PeerGone as error:
            raise self._explained(error) from None

    def send(
        self, payload: Any = None, files: Sequence[Sendable] = (), method: str | None = None
    ) -> None:
        """Sends a message one way: nobody waits for the answer, which is dropped."""
        try:
            self._send(method, payload, files)
        except PeerGone as error:
            raise self._explained(error) from None

    def _take_hello(self, frame: Frame) -> None:
        body = messages.parse(frame.body, self._first.socket.max_items)
        try:
            hello = Hello.read(cbor.decode_checked(body.content))
        except MalformedBody as error:
            raise ProtocolFault(str(error)) from error
        descriptors, frame.descriptors = frame.descriptors[:1], frame.descriptors[1:]
        frame.close()
        self._hello = hello
        self._peer.envelope, self._peer.cancel = hello.envelope, hello.cancel
        for descriptor in descriptors:
            try:
                calls = FrameSocket(adopt(descriptor), self._first.socket.limit)
            except ValueError:
                continue  # it is closed
            most = max(MOST_LANES_OF_CALLS, hello.lanes)
            self._server = Server(self._handlers, workers=most, max_lanes=most)
            self._server.add(calls)

    def _most_lanes(self) -> int:
        return self._hello.lanes if self._hello is not None else 1

    def _given_up(self, asker: Asker, why: str) -> None:
        if asker is self._first:
            self.kill()
            self._lanes.close(f"The child was ended: {why}")

    def _explained(self, error: PeerGone) -> PeerGone:
        return PeerGone(f"{error} ({self._exit()})")

    def _exit(self) -> str:
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "it is still running"
        if code >= 0:
            return f"it exited with code {code}"
        return f"it was ended by {signal.Signals(-code).name}"

    def kill(self) -> None:
        """Ends the child, and what it started in its session, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass

    def close(self) -> None:
        """Lets the child end, and waits for that."""
        self._lanes.close("This child was closed")
        if self._server is not None:
            self._server.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                self._process.wait(self._close_timeout)
                return
            except subprocess.TimeoutExpired:
                self._signal(number)
        self._process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _start(
    command: Sequence[str | os.PathLike[str]],
    env: Mapping[str, str] | None,
    cwd: str | os.PathLike[str] | None,
    stdout: Any,
    stderr: Any,
    max_message_size: int,
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    if isinstance(command, (str, bytes)):
        raise TypeError("The command is a list: the program and its arguments")
    environment = dict(os.environ if env is None else env)
    for variable in NOT_FOR_CHILDREN:
        environment.pop(variable, None)
    program = os.fspath(command[0])
    if "/" not in program and shutil.which(program, path=environment.get("PATH")) is None:
        raise FileNotFoundError(f"The program {program!r} is not in PATH")
    environment[FD_VARIABLE] = "3"
    environment[HELLO_VARIABLE] = "1"
    environment[SIZE_VARIABLE] = str(max_message_size)
    ours, theirs = pair()
    try:
        with theirs:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _SHELL, "sh", *command],
                stdin=theirs.fileno(),
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
    except BaseException:
        ours.close()
        raise
    return process, ours
