"""The end that asks, on one socket: a request, and then the messages of its reply."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from . import messages
from .errors import (
    BrokenFrame,
    CallTimeout,
    MalformedBody,
    MessageTooLarge,
    PeerGone,
    ProtocolFault,
)
from .frames import EndOfSocket, Frame, FrameSocket
from .messages import Body


class Peer:
    """What the other end understands."""

    def __init__(self, envelope: bool = False, cancel: bool = False) -> None:
        self.envelope = envelope
        self.cancel = cancel


class Asker:
    """Asks over one socket. It belongs to one thread at a time."""

    def __init__(
        self,
        sock: FrameSocket,
        peer: Peer,
        on_hello: Callable[[Frame], None] | None = None,
    ) -> None:
        """:param on_hello: if the first message may be a hello, takes it over"""
        self.socket = sock
        self.peer = peer
        self._on_hello = on_hello
        self._last_number = 0
        self._one_way: deque[int | None] = deque()  # numbers of unanswered messages
        self.number: int | None = None
        """Of the request whose reply is due, if it has one."""
        self.due = False
        """Whether a reply is due."""
        self._streaming = False

    def request(
        self,
        payload: bytes,
        descriptors: Sequence[int],
        method: str | None,
        headers: Mapping[str, str],
        deadline: float | None,
        one_way: bool = False,
    ) -> None:
        number, parts = None, [payload]
        self._last_number += 1
        if self.peer.envelope:
            number = self._last_number
            parts = [messages.envelope_head(number, method, headers), payload]
        try:
            self._send(parts, descriptors, deadline)
        except CallTimeout:
            if self.socket.rest is None:
                raise  # nothing was sent
            if one_way:
                self.socket.shutdown()
            else:  # it is answered, once the rest was sent
                self.number, self.due, self._streaming = number, True, False
            raise
        if one_way:
            self._one_way.append(number)
        else:
            self.number, self.due, self._streaming = number, True, False

    def open_lane(self, theirs: int, deadline: float | None) -> None:
        """Asks the peer to serve a socket, too. Raises RemoteError if it does not."""
        self._send([messages.NULL_BODY], [theirs], deadline)
        self.number, self.due, self._streaming = None, True, False
        body, frame = self.answer(deadline, is_bare=True)
        frame.close()
        if body.kind == "error":
            raise body.error()
        if body.content != messages.NULL_BODY:
            raise ProtocolFault("The request for a lane was answered with something else than null")

    def _send(
        self, parts: Sequence[bytes], descriptors: Sequence[int], deadline: float | None
    ) -> None:
        try:
            self.socket.send_until(
                deadline, parts, descriptors, self.look if self._one_way else None
            )
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise PeerGone("The other end was gone when the request was sent") from error

    def cancel(self, deadline: float) -> None:
        """Asks the peer to end the reply that is due."""
        try:
            self.socket.send_rest(deadline)
            self.socket.send_until(deadline, [messages.CANCEL_BODY])
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise PeerGone("The other end is gone") from error

    def look(self) -> None:
        """Receives what is there while no reply is due: a hello, or answers to messages that were
        sent one way. Raises ProtocolFault if there is anything else, and PeerGone."""
        while True:
            try:
                frame = self.socket.pull()
            except BlockingIOError:
                return
            except EndOfSocket:
                raise PeerGone("The other end has closed its socket") from None
            if frame is not None:
                self._sort(frame)

    def wait_for_hello(self, deadline: float) -> None:
        while self._on_hello is not None:
            self._sort(self._receive(deadline))

    def answer(self, deadline: float | None, is_bare: bool = False) -> tuple[Body, Frame]:
        """Waits for the next message of the reply that is due."""
        while True:
            found = self._sort(self._receive(deadline))
            if found is not None:
                body, frame = found
                self._check_turn(body, frame, is_bare)
                return found

    def _receive(self, deadline: float | None) -> Frame:
        try:
            return self.socket.receive(deadline)
        except EndOfSocket:
            raise PeerGone("The other end closed its socket before it replied") from None
        except BrokenFrame as error:
            raise ProtocolFault(f"The other end sent a broken frame: {error}") from error

    def _sort(self, frame: Frame) -> tuple[Body, Frame] | None:
        """Returns a message that belongs to the reply that is due, or None for another one."""
        try:
            return self._sorted(frame)
        except BaseException:
            frame.close()
            raise

    def _sorted(self, frame: Frame) -> tuple[Body, Frame] | None:
        if frame.dropped:
            body = self._body_of_dropped(frame)
        else:
            try:
                body = messages.parse(frame.body, self.socket.max_items)
            except MalformedBody as error:
                raise ProtocolFault(f"The other end sent a malformed body: {error}") from error
        on_hello, self._on_hello = self._on_hello, None
        if body.kind == "hello" and on_hello is not None:
            on_hello(frame)
            return None
        if body.kind in ("hello", "cancel"):
            raise ProtocolFault(f"The other end sent a {body.kind} where a reply was due")
        if self._one_way and self._answers_one_way(body):
            frame.close()
            return None
        if not self.due:
            raise ProtocolFault("The other end sent a message that nobody asked for")
        if body.number != self.number and not (body.number is None and body.kind != "value"):
            raise ProtocolFault(
                f"The other end sent a reply with the number {body.number},"
                f" and that of the request is {self.number}"
            )
        if body.kind != "element":
            self.due = False
        if frame.dropped:
            raise MessageTooLarge(
                f"The reply has {frame.dropped} bytes, and the limit is {self.socket.limit} bytes"
            )
        return body, frame

    def _body_of_dropped(self, frame: Frame) -> Body:
        number, is_element = messages.read_part(frame.body)
        return Body("element" if is_element else "value", b"", number)

    def _answers_one_way(self, body: Body) -> bool:
        if body.number is None or body.number == self._one_way[0]:
            if body.kind != "element":
                self._one_way.popleft()
            return True
        return False

    def _check_turn(self, body: Body, frame: Frame, is_bare: bool) -> None:
        if body.kind == "element":
            self._streaming = True
        if (body.kind == "value" and self._streaming) or (is_bare and body.kind == "element"):
            frame.close()
            raise ProtocolFault("The other end mixed a reply and a stream")

    def close(self) -> None:
        self.socket.close()
