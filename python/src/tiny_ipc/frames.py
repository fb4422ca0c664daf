"""Frames over a SOCK_SEQPACKET socket: a length, a body, and descriptors.

```
 0                               8                                 8 + length
+-------------------------------+---------------------------------+
| length                        | body                            |
+-------------------------------+---------------------------------+
  u64, native byte order          may go on in further packets
```
"""

from __future__ import annotations

import array
import errno
import itertools
import os
import select
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union

from .errors import BrokenFrame, CallTimeout, MessageTooLarge

LARGEST_PACKET = 512 * 1024
PART = 64 * 1024
MOST_DESCRIPTORS = 253
DEFAULT_LIMIT = 16 * 1024 * 1024
DROPPED_UP_TO = 64
"""How many times the limit an announced message may have, to be dropped and answered."""

_HEADER = struct.Struct("=Q")
_CONTROL = socket.CMSG_SPACE(MOST_DESCRIPTORS * 4)
_SEND_OVERHEAD = 32

Buffer = Union[bytes, bytearray, memoryview]

_local = threading.local()


def _packet_buffer() -> memoryview:
    """Room for the largest packet, one for each thread."""
    try:
        return _local.buffer  # type: ignore[no-any-return]
    except AttributeError:
        _local.buffer = memoryview(bytearray(LARGEST_PACKET))
        return _local.buffer  # type: ignore[no-any-return]


def close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:
            pass  # it is closed all the same


class EndOfSocket(Exception):
    """The peer has closed its end, and everything before that was received."""


class Frame:
    """A whole message. Whoever receives it closes its descriptors."""

    __slots__ = ("body", "descriptors", "dropped", "received_at")

    def __init__(self, body: bytes, descriptors: list[int], dropped: int = 0) -> None:
        self.body = body
        """If the message was dropped, only what came with the first packet."""
        self.descriptors = descriptors
        self.dropped = dropped
        """The size that was announced if that was over the limit, or 0."""
        self.received_at = time.monotonic()

    def close(self) -> None:
        descriptors, self.descriptors = self.descriptors, []
        close_all(descriptors)


class FrameSocket:
    """One end of a socket pair. One thread may receive while another one sends."""

    def __init__(self, sock: socket.socket, limit: int = DEFAULT_LIMIT) -> None:
        """Takes the socket over. The limit is for bodies in both directions, in bytes."""
        self._sock = sock
        _open_sockets.add(self)
        self.limit = limit
        self.max_items = max(100_000, limit // 16)
        self.is_broken = False
        self.rest: Iterator[Any] | None = None
        """Packets of a frame that must be sent before anything else."""
        self._body = bytearray()
        self._descriptors: list[int] = []
        self._missing = 0
        self._dropping = 0
        sock.setblocking(True)
        self._largest_packet = min(
            LARGEST_PACKET, sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - _SEND_OVERHEAD
        )

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def largest_message(self) -> int:
        """The size of the largest body that goes in one packet."""
        return min(self.limit, self._largest_packet - _HEADER.size)

    def pull(self) -> Frame | None:
        """Receives one packet without waiting, and returns the frame that it completes, if it does.

        Raises BlockingIOError if there is no packet, EndOfSocket, or BrokenFrame.
        """
        packet, descriptors = self._packet()
        if self._missing:
            return self._continue(packet, descriptors)
        if not packet and not descriptors:
            raise EndOfSocket
        try:
            length = self._announced(packet)
        except BrokenFrame:
            close_all(descriptors)
            raise
        if length > self.limit:
            close_all(descriptors)
            descriptors = []
        body = packet[_HEADER.size :]
        self._missing = length - len(body)
        if not self._missing:
            return Frame(bytes(body), descriptors, length if length > self.limit else 0)
        self._body = bytearray(body)
        self._descriptors = descriptors
        self._dropping = length if length > self.limit else 0
        return None

    def _packet(self) -> tuple[memoryview, list[int]]:
        buffer = _packet_buffer()
        flags = int(socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
        while True:
            try:
                size, control, flags, _ = self._sock.recvmsg_into([buffer], _CONTROL, flags)
                break
            except ConnectionResetError:
                continue  # not all replies were read, but what was sent before can be received
        descriptors = array.array("i")
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            close_all(descriptors)
            raise BrokenFrame(
                "A packet was cut short: it was larger than 512 KiB, or this process has too many"
                " open files to receive its descriptors"
            )
        return buffer[:size], descriptors.tolist()

    def _announced(self, packet: memoryview) -> int:
        if len(packet) <= _HEADER.size:
            raise BrokenFrame(f"A message begins with a packet of {len(packet)} bytes")
        (length,) = _HEADER.unpack_from(packet)
        if length >= DROPPED_UP_TO * self.limit:
            raise BrokenFrame(
                f"A message of {length} bytes was announced, and the limit is {self.limit}"
            )
        came = len(packet) - _HEADER.size
        if length < came:
            raise BrokenFrame(f"A message of {length} bytes was announced, but {came} came")
        return int(length)

    def _continue(self, packet: memoryview, descriptors: list[int]) -> Frame | None:
        size = len(packet)
        if descriptors or not size or size > self._missing:
            close_all(descriptors)
            self.drop_part()
            if descriptors:
                raise BrokenFrame("Descriptors came in the middle of a message")
            if size:
                raise BrokenFrame("A message is longer than was announced")
            raise BrokenFrame("The socket ended in the middle of a message")
        if not self._dropping:
            self._body += packet
        self._missing -= size
        if self._missing:
            return None
        frame = Frame(bytes(self._body), self._descriptors, self._dropping)
        self._body, self._descriptors = bytearray(), []
        return frame

    def drop_part(self) -> None:
        """Closes what came with a frame that will not be completed."""
        close_all(self._descriptors)
        self._body, self._descriptors = bytearray(), []

    def receive(self, deadline: float | None = None) -> Frame:
        """Waits for a frame, until a time of time.monotonic()."""
        while True:
            try:
                frame = self.pull()
                if frame is not None:
                    return frame
            except BlockingIOError:
                self.wait(select.POLLIN, deadline)

    def wait(self, events: int, deadline: float | None) -> int:
        poll = select.poll()
        poll.register(self._sock, events)
        timeout = None
        if deadline is not None:
            timeout = max(0.0, (deadline - time.monotonic()) * 1000)
        ready = poll.poll(timeout)
        if not ready:
            raise CallTimeout("The time is up")
        return ready[0][1]

    def packets(self, parts: Sequence[Buffer], descriptors: Sequence[int]) -> Iterator[Any]:
        """Yields the packets of a frame, to be sent one after the other by send_packet."""
        size = sum(len(part) for part in parts)
        if size > self.limit:
            raise MessageTooLarge(
                f"A message of {size} bytes was not sent: the limit is {self.limit} bytes."
                " Send large data in a file or in shared memory, or raise the limit"
            )
        if len(descriptors) > MOST_DESCRIPTORS:
            raise MessageTooLarge(
                f"A message with {len(descriptors)} descriptors was not sent:"
                f" the limit is {MOST_DESCRIPTORS}"
            )
        control = []
        if descriptors:
            rights = array.array("i", descriptors)
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
        header = _HEADER.pack(size)
        if size + _HEADER.size <= self._largest_packet:
            return iter([([header, *parts], control)])
        return self._split(memoryview(b"".join((header, *parts))), control)

    def _split(self, frame: memoryview, control: list[Any]) -> Iterator[Any]:
        size = min(PART, self._largest_packet)
        for start in range(0, len(frame), size):
            yield [frame[start : start + size]], control if start == 0 else []

    def send_packet(self, packet: Any, flags: int = 0) -> None:
        """Raises OSError, BlockingIOError with MSG_DONTWAIT."""
        buffers, control = packet
        self._sock.sendmsg(buffers, control, socket.MSG_NOSIGNAL | flags)

    def send(
        self, parts: Sequence[Buffer], descriptors: Sequence[int] = (), wait: bool = True
    ) -> None:
        """Sends a frame, and waits for room. The descriptors stay the caller's. If it must not
        wait, the frame must fit into one packet, and BlockingIOError says that there is no room."""
        for packet in self.packets(parts, descriptors):
            self.send_packet(packet, 0 if wait else socket.MSG_DONTWAIT)

    def send_until(
        self,
        deadline: float | None,
        parts: Sequence[Buffer],
        descriptors: Sequence[int] = (),
        readable: Callable[[], None] | None = None,
    ) -> None:
        """Sends a frame with a deadline. Calls a function if there is something to receive, as a
        peer may not go on before it has been read."""
        begun = False
        packets = iter(self.packets(parts, descriptors))
        try:
            for packet in packets:
                while not self._try_send(packet):
                    events = select.POLLOUT | (select.POLLIN if readable else 0)
                    try:
                        if self.wait(events, deadline) & select.POLLIN and readable:
                            readable()
                    except CallTimeout:
                        if begun:
                            self.rest = itertools.chain([packet], packets)
                        raise
                begun = True
        except BaseException:
            if begun and self.rest is None:
                self.shutdown()  # the peer could not tell where the next frame begins
            raise

    def send_rest(self, deadline: float) -> None:
        """Sends what is left of a frame whose time was up in the middle."""
        packets, self.rest = self.rest, None
        for packet in packets or ():
            while not self._try_send(packet):
                self.wait(select.POLLOUT, deadline)

    def _try_send(self, packet: Any) -> bool:
        try:
            self.send_packet(packet, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def shutdown(self) -> None:
        """Wakes whoever waits for this socket, and lets the peer see the end."""
        self.is_broken = True
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.EBADF):
                raise

    def close(self) -> None:
        self.drop_part()
        self._missing = 0
        self._sock.close()


_open_sockets: weakref.WeakSet[FrameSocket] = weakref.WeakSet()


def _close_after_fork() -> None:
    """In a process that was forked off: the sockets belong to the original, and as long as anybody
    else holds them, the peer does not see its end."""
    for sock in list(_open_sockets):
        sock.close()


os.register_at_fork(after_in_child=_close_after_fork)


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def adopt(descriptor: int) -> socket.socket:
    """Makes a socket of a descriptor, which it owns from then on, or closes it."""
    sock = None
    try:
        sock = socket.socket(fileno=descriptor)
        if (sock.family, sock.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            raise ValueError("not a Unix socket of the type SOCK_SEQPACKET")
        sock.set_inheritable(False)
    except (OSError, ValueError) as error:
        if sock is not None:
            sock.close()
        else:
            close_all([descriptor])
        raise ValueError(f"Descriptor {descriptor} is unusable: {error}") from error
    return sock
