"""Calls over as many sockets as are needed, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import cbor, tracing
from .asking import Asker, Peer
from .errors import CallTimeout, MessageTooLarge, NoLane, PeerGone, ProtocolFault, RemoteError
from .files import Files, Sendable, descriptor_of
from .frames import Frame, FrameSocket, pair
from .handlers import DEADLINE_HEADER
from .messages import Body

DEFAULT_TIMEOUT = 30.0
"""Seconds, as for calls in Java."""

CANCEL_TIMEOUT = 5.0
"""Seconds within which a cancelled reply must end, or its socket is given up."""

TRACE_HEADERS = ("traceparent", "tracestate", "baggage")


class Message:
    """A reply with its files, which are closed with it unless they were detached."""

    def __init__(self, payload: Any, files: Files) -> None:
        self.payload = payload
        self.files = files

    def close(self) -> None:
        self.files.close()

    def __enter__(self) -> Message:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Lanes:
    """The sockets to one peer. Each has one exchange at a time."""

    def __init__(
        self,
        first: Asker,
        max_lanes: Callable[[], int | None],
        given_up: Callable[[Asker, str], None] = lambda asker, why: None,
    ) -> None:
        """
        :param max_lanes: how many sockets there may be; None for as many as the peer allows
        :param given_up: called for each socket that is closed because it cannot be used any more
        """
        self._peer: Peer = first.peer
        self._limit = first.socket.limit
        self._max_lanes = max_lanes
        self._given_up = given_up
        self._changed = threading.Condition()
        self._idle: list[Asker] = [first]
        self._all: list[Asker] = [first]
        self._refused = False
        self._opening = False
        self._closed: str | None = None

    @property
    def count(self) -> int:
        return len(self._all)

    def acquire(self, deadline: float | None) -> Asker:
        while True:
            asker, opening = self._take(deadline)
            try:
                asker.look()
                if opening:
                    self._open_further(asker, deadline)
                return asker
            except PeerGone as gone:
                self.give_up(asker, str(gone))  # nothing was sent: another one may do
            except BaseException as error:
                self.ended(asker, error)
                raise
            finally:
                if opening:
                    self._opening = False

    def _take(self, deadline: float | None) -> tuple[Asker, bool]:
        with self._changed:
            while not self._idle:
                if self._closed is not None:
                    raise PeerGone(self._closed)
                if not self._all:
                    raise NoLane("No socket to the other end is left: the request was not sent")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise NoLane(
                        f"All {len(self._all)} sockets to the other end were in use until the"
                        " time was up: the request was not sent"
                    )
                self._changed.wait(left)
            asker = self._idle.pop()
            most = self._max_lanes()
            opening = not (self._idle or self._refused or self._opening)
            opening = opening and (most is None or len(self._all) < most)
            if opening:
                self._opening = True
            return asker, opening

    def _open_further(self, asker: Asker, deadline: float | None) -> None:
        """The last idle socket is about to be used, and nothing can be opened without one."""
        ours, theirs = pair()
        try:
            with theirs:
                asker.open_lane(theirs.fileno(), deadline)
        except RemoteError:
            ours.close()
            self._refused = True
            return
        except BaseException:
            ours.close()
            raise
        further = Asker(FrameSocket(ours, self._limit), self._peer)
        with self._changed:
            if self._closed is not None:
                further.close()
                return
            self._all.append(further)
            self._idle.append(further)
            self._changed.notify()

    def release(self, asker: Asker) -> None:
        with self._changed:
            if asker not in self._all:
                return
            if self._closed is not None:
                self._all.remove(asker)
                asker.close()
                return
            self._idle.append(asker)
            self._changed.notify()

    def give_up(self, asker: Asker, why: str) -> None:
        with self._changed:
            if asker not in self._all:
                return
            self._all.remove(asker)
            asker.close()
            self._changed.notify_all()
            if self._closed is not None:
                return
        self._given_up(asker, why)

    def settle(self, asker: Asker, why: str) -> None:
        """Makes a socket usable again whose reply nobody waits for, or gives it up."""
        if not asker.due:
            self.release(asker)
        elif not self._peer.cancel:
            self.give_up(asker, why)
        else:
            threading.Thread(
                target=self._cancel, args=(asker,), name="tiny-ipc-cancel", daemon=True
            ).start()

    def _cancel(self, asker: Asker) -> None:
        deadline = time.monotonic() + CANCEL_TIMEOUT
        try:
            asker.cancel(deadline)
            while asker.due:
                try:
                    asker.answer(deadline)[1].close()
                except MessageTooLarge:
                    pass  # an element that is dropped anyway
        except CallTimeout:
            self.give_up(asker, "a cancelled reply did not end in time")
        except Exception as error:
            self.give_up(asker, str(error))
        else:
            self.release(asker)

    def ended(self, asker: Asker, error: BaseException) -> None:
        """Decides what becomes of a socket whose exchange ended with an error."""
        if isinstance(error, (PeerGone, ProtocolFault)):
            self.give_up(asker, str(error))
        elif asker.socket.is_broken:
            self.give_up(asker, "the time was up in the middle of a request")
        else:
            self.settle(asker, str(error))

    def close(self, why: str) -> None:
        with self._changed:
            if self._closed is None:
                self._closed = why
            for asker in self._all:
                if asker in self._idle:
                    asker.close()
                else:
                    asker.socket.shutdown()  # wakes whoever waits, and closes it
            self._all = [asker for asker in self._all if asker not in self._idle]
            self._idle = []
            self._changed.notify_all()


class Calls:
    """Asks the other end: requests and their replies."""

    def __init__(
        self,
        lanes: Lanes,
        headers: Mapping[str, str] | None = None,
        ends_at: float | None = None,
    ) -> None:
        self._lanes = lanes
        self._headers = dict(headers or {})
        self._ends_at = ends_at

    def _call(
        self,
        method: str | None,
        payload: Any,
        files: Sequence[Sendable],
        timeout: float | None,
        headers: Mapping[str, str] | None,
    ) -> Message:
        deadline = self._deadline(timeout)
        asker = self._begin(method, payload, files, deadline, deadline, headers)
        try:
            body, frame = asker.answer(deadline)
            message = _read(body, frame)
            if body.kind == "element" or body.kind == "end":
                message.close()
                raise TypeError("The reply is a stream: call stream() for it")
        except CallTimeout as error:
            self._lanes.ended(asker, error)
            raise CallTimeout("There was no reply within the timeout") from None
        except BaseException as error:
            self._lanes.ended(asker, error)
            raise
        self._lanes.release(asker)
        return message

    def _stream(
        self,
        method: str | None,
        payload: Any,
        files: Sequence[Sendable],
        timeout: float | None,
        headers: Mapping[str, str] | None,
    ) -> Stream:
        deadline = self._deadline(timeout)
        asker = self._begin(method, payload, files, deadline, self._ends_at, headers)
        return Stream(self._lanes, asker, lambda: self._deadline(timeout))

    def _send(self, method: str | None, payload: Any, files: Sequence[Sendable]) -> None:
        deadline = self._deadline(DEFAULT_TIMEOUT)
        asker = self._begin(method, payload, files, deadline, None, None, one_way=True)
        self._lanes.release(asker)

    def _begin(
        self,
        method: str | None,
        payload: Any,
        files: Sequence[Sendable],
        deadline: float | None,
        caller_waits_until: float | None,
        headers: Mapping[str, str] | None,
        one_way: bool = False,
    ) -> Asker:
        content = cbor.encode(payload)
        descriptors = [descriptor_of(file) for file in files]
        asker = self._lanes.acquire(deadline)
        try:
            if not asker.peer.envelope and (method or headers):
                raise TypeError(
                    "The other end does not understand methods and headers: its hello has no"
                    " envelope, or has not come yet"
                )
            all_headers = {**self._headers, **tracing.current_headers(), **(headers or {})}
            if caller_waits_until is not None:
                left = max(0, int((caller_waits_until - time.monotonic()) * 1000))
                all_headers.setdefault(DEADLINE_HEADER, str(left))
            asker.request(content, descriptors, method or None, all_headers, deadline, one_way)
        except BaseException as error:
            self._lanes.ended(asker, error)
            raise
        return asker

    def _deadline(self, timeout: float | None) -> float | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._ends_at is None:
            return deadline
        return self._ends_at if deadline is None else min(deadline, self._ends_at)


class Parent(Calls):
    """Calls of a child to its parent, from any thread.

    Each waits for its reply for at most ``timeout`` seconds (``None``: as long as it takes), and
    raises RemoteError, CallTimeout, PeerGone, NoLane or ProtocolFault. The files stay the caller's.
    """

    def call(
        self,
        method: str,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Returns the payload of the reply. Files of the reply are closed, see ask()."""
        with self._call(method, payload, files, timeout, headers) as message:
            return message.payload

    def ask(
        self,
        method: str,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """Returns the reply with its files. Close it."""
        return self._call(method, payload, files, timeout, headers)

    def stream(
        self,
        method: str,
        payload: Any = None,
        files: Sequence[Sendable] = (),
        timeout: float | None = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> Stream:
        """Returns the elements of a streamed reply. Each may take as long as the timeout."""
        return self._stream(method, payload, files, timeout, headers)


class Stream(Iterator[Any]):
    """The elements of a streamed reply. Close it, or read it to its end: closing cancels."""

    def __init__(self, lanes: Lanes, asker: Asker, deadline: Callable[[], float | None]) -> None:
        self._lanes = lanes
        self._asker: Asker | None = asker
        self._deadline = deadline
        self.files = Files()
        """Those of the current element; they are closed with the next one."""

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        self.files.close()
        asker = self._asker
        if asker is None:
            raise StopIteration
        try:
            body, frame = asker.answer(self._deadline())
            message = _read(body, frame)
        except BaseException as error:
            self._asker = None
            self._lanes.ended(asker, error)
            if isinstance(error, CallTimeout):
                raise CallTimeout("There was no further element within the timeout") from None
            raise
        if body.kind != "element":
            self._asker = None
            self._lanes.release(asker)
        if body.kind == "end":
            message.close()
            raise StopIteration
        self.files = message.files
        return message.payload

    def close(self) -> None:
        self.files.close()
        asker, self._asker = self._asker, None
        if asker is not None:
            self._lanes.settle(asker, "a stream was closed before its end")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _read(body: Body, frame: Frame) -> Message:
    if body.kind == "error":
        frame.close()
        raise body.error()
    files, frame.descriptors = Files(frame.descriptors), []
    try:
        return Message(body.payload(), files)
    except BaseException:
        files.close()
        raise
