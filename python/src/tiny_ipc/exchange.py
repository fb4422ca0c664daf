"""One request, from its frame to the end of its reply."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import cbor, messages, tracing
from .blocks import ReplyBlocks, has_large_data, unread
from .blocks import wanted_size as wanted_blocks_size
from .errors import (
    Cancelled,
    DeadlineExceeded,
    IpcError,
    MalformedBody,
    MessageTooLarge,
    NoLane,
    UnknownMethod,
)
from .files import Files, descriptor_of
from .frames import Frame, FrameSocket, adopt, close_all
from .gathering import Gathering, wanted_size
from .handlers import Reply, Request, is_async_stream, is_awaitable, is_stream

if TYPE_CHECKING:
    from .calls import Parent
    from .server import Lane, Server

logger = logging.getLogger("tiny_ipc")

_OURS = (DeadlineExceeded, MalformedBody, MessageTooLarge, NoLane, UnknownMethod)
"""Errors of the request, which need no traceback."""

_ELEMENTS_OVERHEAD = messages.envelope_head(2**64 - 1) + messages.ELEMENTS_HEAD + bytes(5)
"""What precedes several elements in a message, at most."""


class Exchange:
    """Answers one request exactly once, with a reply, a stream or an error item."""

    def __init__(self, server: Server, lane: Lane, frame: Frame) -> None:
        self._server = server
        self._lane = lane
        self._frame = frame
        self._number: int | None = None
        self._files = Files()
        self._stream: Iterator[Any] | None = None
        self._gathering: Gathering | None = None
        self._blocks: ReplyBlocks | None = None
        self._cancelled = False
        self._gone = False
        self._on_cancel: Callable[[], None] | None = None
        self._span = tracing.NOTHING

    def is_cancelled(self) -> bool:
        return self._cancelled or self._gone

    def cancel(self) -> None:
        self._cancelled = True
        callback = self._on_cancel
        if callback is not None:
            callback()
        self._wake()

    def _wake(self) -> None:
        if self._blocks is not None:
            self._blocks.wake()

    def elements_are_read(self, count: int) -> None:
        """The requester has read so many messages with elements."""
        if self._blocks is not None:
            self._blocks.elements_are_read(count)

    def peer_gone(self, cancel: bool) -> None:
        """Nobody waits for the reply, but a message that was sent one way is still worth its
        work, unless it came over a lane that was closed."""
        self._gone = True
        if cancel:
            self.cancel()
        else:
            self._wake()

    def drop(self) -> None:
        """Closes what came with a request that will not be served."""
        self._frame.close()

    def abandon(self, error: BaseException) -> None:
        """Gives up the socket, whose peer could otherwise wait for ever."""
        logger.critical("A request cannot be answered", exc_info=error)
        self._span.end()
        self._lane.socket.shutdown()
        self._server.finished(self)

    # What follows is called by a worker.

    def run(self) -> None:
        try:
            if self._stream is not None:
                with self._span.current():
                    self._send_stream(self._stream)
            elif self._is_lane():
                self._open_lane()
            else:
                result = self._handle()
                if is_awaitable(result) or is_async_stream(result):
                    loop = self._server.loop()
                    asyncio.run_coroutine_threadsafe(self._run_async(result), loop)
                    return
                with self._span.current():
                    self._answer(result)
        except BaseException as error:  # a handler that calls sys.exit() owes a reply, too
            self._fail(error)
        self._finish()

    def _finish(self) -> None:
        self._span.end()
        self._files.close()
        self._frame.close()
        self._on_cancel = None
        self._lane.done()
        self._server.finished(self)

    def _is_lane(self) -> bool:
        frame = self._frame
        if self._server.max_lanes < 2 or frame.dropped or frame.body != messages.NULL_BODY:
            return False
        return len(frame.descriptors) == 1 and _is_seqpacket(frame.descriptors[0])

    def _open_lane(self) -> None:
        sock = FrameSocket(adopt(self._frame.descriptors.pop()), self._lane.socket.limit)
        self._server.add(sock)
        self._send([messages.NULL_BODY])

    def _handle(self) -> Any:
        """Reads the request, and calls its handler."""
        frame, limit = self._frame, self._lane.socket.limit
        if frame.dropped:
            self._number, _ = messages.read_part(frame.body)
            raise MessageTooLarge(
                f"The request has {frame.dropped} bytes, and the limit is {limit} bytes"
            )
        body = messages.parse(frame.body, self._lane.socket.max_items)
        self._number = body.number
        largest = min(wanted_size(body.headers), self._lane.socket.largest_message)
        if largest > 0 and body.number is not None:
            self._gathering = Gathering(self, largest - len(_ELEMENTS_OVERHEAD))
        if body.kind != "value":
            raise MalformedBody(f"A request cannot be an item of the kind {body.kind!r}")
        payload = self._payload(body)
        frame.body = b""
        self._files = Files(frame.descriptors)
        frame.descriptors = []
        handler = self._server.handlers.find(body.method, not self._server.names_methods)
        server = self._server
        peer = "child" if server.parent is None else "parent"
        span = self._span = tracing.serve(peer, body.method, body.headers)
        request = Request(
            payload,
            self._files,
            body.method,
            body.headers,
            frame.received_at,
            self.is_cancelled,
            server.parent and (lambda headers, ends_at: _parent_of(server, span, headers, ends_at)),
        )
        if request.deadline is not None and request.deadline <= 0:
            raise DeadlineExceeded("The deadline had passed before the request was handled")
        if self._cancelled:
            raise Cancelled("The request was cancelled before it was handled")
        with span.current():
            return handler(request)

    def _payload(self, body: messages.Body) -> Any:
        blocks = self._lane.blocks
        if blocks is None:
            return body.payload()
        size = wanted_blocks_size(body.headers)
        if size:
            blocks.replies_are_read(unread(body.headers))
            self._blocks = ReplyBlocks(blocks, body.number or 0, size, self._lane.socket.limit)
        blocks.drop_old()
        reading = blocks.read(self._frame.descriptors)
        payload = body.payload(reading.hook)
        self._frame.descriptors = reading.others()
        return payload

    def _answer(self, result: Any) -> None:
        if is_stream(result):
            self._send_stream(result)
        else:
            self._send_value(result)

    def _send_stream(self, elements: Iterator[Any]) -> None:
        try:
            while True:
                self._check_cancelled()
                try:
                    element = next(elements)
                except StopIteration:
                    break
                self._send_element(element)
        finally:
            _close(elements)
        self._flush()
        self._send([messages.END_BODY])

    def _send_element(self, element: Any) -> None:
        if self._gathering is None:
            self._send_value(element, messages.ELEMENT_HEAD)
        else:
            self._gathering.send(element)

    def _flush(self) -> None:
        if self._gathering is not None:
            self._gathering.flush()

    def is_for_blocks(self, element: Any) -> bool:
        """Called by the gathering, as are the next three."""
        return self._blocks is not None and has_large_data(element)

    def send_alone(self, element: Any) -> None:
        self._send_value(element, messages.ELEMENT_HEAD)

    def send_item(self, head: bytes, item: bytes, wait: bool = True) -> None:
        self._send([head, item], wait=wait)
        self._count(head)

    def _count(self, head: bytes) -> None:
        """Called when a message was sent, whose head is empty if it has no elements."""
        if head and self._blocks is not None:
            self._blocks.message_sent()

    def gathering(self) -> None:
        self._server.gathering()

    def send_left_waiting(self) -> bool:
        """See there."""
        return self._gathering is not None and self._gathering.send_left_waiting()

    def _check_cancelled(self) -> None:
        if self.is_cancelled():
            raise Cancelled("The request was cancelled")

    def _send_value(self, value: Any, head: bytes = b"") -> None:
        reply = value if isinstance(value, Reply) else Reply(value)
        try:
            if self._blocks is not None:
                self._blocks.await_room(reply.value, self._check_cancelled)
            item, descriptors = self._encode(reply)
            self._send([head, item], descriptors)
            self._count(head)
        finally:
            _close_files(reply)

    def _encode(self, reply: Reply) -> tuple[bytes, list[int]]:
        """Returns the item of a reply, or of an element of one, and all descriptors."""
        descriptors = [descriptor_of(file) for file in reply.files]
        if self._blocks is None:
            return cbor.encode(reply.value), descriptors
        value, blocks = self._blocks.put(reply.value, len(descriptors))
        return cbor.encode(value), descriptors + blocks

    def _send(
        self, parts: Sequence[bytes], descriptors: Sequence[int] = (), wait: bool = True
    ) -> None:
        try:
            self._lane.socket.send(self._wrapped(parts), descriptors, wait)
        except BlockingIOError:
            raise
        except OSError as error:
            self._gone = True
            raise _PeerClosed from error

    def _wrapped(self, parts: Sequence[bytes]) -> list[bytes]:
        if self._number is None:
            return [part for part in parts if part]
        return [messages.envelope_head(self._number), *(part for part in parts if part)]

    def _fail(self, error: BaseException) -> None:
        """Answers with an error item."""
        parts = self._error(error)
        if parts is not None:
            try:
                if not self.is_cancelled():
                    self._flush()
                elif self._gathering is not None:
                    self._gathering.drop()
                self._send(parts)
            except _PeerClosed:
                pass
            except MessageTooLarge as too_large:
                self._lane_is_useless(too_large)

    def _error(self, error: BaseException) -> list[bytes] | None:
        """Logs an error, and returns its item, or None if nobody can receive it."""
        self._span.failed(error, self.is_cancelled())
        if isinstance(error, _PeerClosed):
            logger.debug("The peer was gone before the reply was sent")
            return None
        if self.is_cancelled() and isinstance(error, (Cancelled, asyncio.CancelledError)):
            logger.debug("A request was cancelled")
            return [messages.error_body("Cancelled", _message(error))]
        if isinstance(error, _OURS):
            logger.warning("A request was refused: %s", error)
        else:
            logger.error("A request failed", exc_info=error)
        return [messages.error_body(type(error).__name__, _message(error))]

    def _lane_is_useless(self, error: Exception) -> None:
        logger.error("Not even an error item can be sent: %s", error)
        self._lane.socket.shutdown()

    # What follows runs in the event loop.

    async def _run_async(self, result: Any) -> None:
        try:
            with self._span.current():
                if is_awaitable(result):
                    result = await self._cancellable(result)
                if is_async_stream(result):
                    await self._send_async_stream(result)
                elif is_stream(result):
                    self._stream = result
                    self._server.submit(self)
                    return
                else:
                    await self._send_value_async(result)
        except BaseException as error:  # see run()
            await self._fail_async(error)
        self._finish()

    async def _cancellable(self, awaitable: Any) -> Any:
        """Only the handler is cancelled, and never a message that is being sent."""

        async def step() -> Any:
            return await awaitable

        loop = asyncio.get_running_loop()
        task = loop.create_task(step())
        self._on_cancel = lambda: _call_soon(loop, task.cancel)
        if self._cancelled:
            task.cancel()
        try:
            return await task
        finally:
            self._on_cancel = None
            _close(awaitable)  # or Python warns if it was cancelled before it began

    async def _send_async_stream(self, elements: Any) -> None:
        try:
            while True:
                self._check_cancelled()
                try:
                    element = await self._cancellable(elements.__anext__())
                except StopAsyncIteration:
                    break
                await self._send_value_async(element, messages.ELEMENT_HEAD)
        finally:
            if hasattr(elements, "aclose"):
                await elements.aclose()
        await self._send_async([messages.END_BODY])

    async def _send_value_async(self, value: Any, head: bytes = b"") -> None:
        reply = value if isinstance(value, Reply) else Reply(value)
        try:
            if self._blocks is not None and self._blocks.lacks_room(reply.value):
                wait = self._blocks.await_room
                await asyncio.to_thread(wait, reply.value, self._check_cancelled)
            item, descriptors = self._encode(reply)
            await self._send_async([head, item], descriptors)
            self._count(head)
        finally:
            _close_files(reply)

    async def _send_async(self, parts: Sequence[bytes], descriptors: Sequence[int] = ()) -> None:
        sock = self._lane.socket
        try:
            for packet in sock.packets(self._wrapped(parts), descriptors):
                while True:
                    try:
                        sock.send_packet(packet, socket.MSG_DONTWAIT)
                        break
                    except BlockingIOError:
                        await _writable(sock.fileno())
        except OSError as error:
            self._gone = True
            raise _PeerClosed from error

    async def _fail_async(self, error: BaseException) -> None:
        parts = self._error(error)
        if parts is not None:
            try:
                await self._send_async(parts)
            except _PeerClosed:
                pass
            except MessageTooLarge as too_large:
                self._lane_is_useless(too_large)


class _PeerClosed(IpcError):
    """There is nobody to send the reply to."""


def _parent_of(
    server: Server, span: tracing.Served, headers: Mapping[str, str], ends_at: float | None
) -> Parent:
    """The parent, whose calls continue the trace of a request in whatever thread they are made."""
    assert server.parent is not None
    return server.parent({**headers, **span.headers()}, ends_at)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], Any]) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        pass  # it is closed, and the task has ended


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    writable = loop.create_future()
    loop.add_writer(descriptor, _set, writable)
    try:
        await writable
    finally:
        loop.remove_writer(descriptor)


def _is_seqpacket(descriptor: int) -> bool:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return False
    try:
        return (sock.family, sock.type) == (socket.AF_UNIX, socket.SOCK_SEQPACKET)
    finally:
        sock.detach()


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()


def _close_files(reply: Reply) -> None:
    if not reply.close:
        return
    for file in reply.files:
        if isinstance(file, int):
            close_all([file])
        else:
            _close(file)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # its own __str__
        return ""
