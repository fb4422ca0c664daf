"""Blocks of memory that both ends map, for bulk data: docs/wire-format.md, "Shared blocks"."""

from __future__ import annotations

import dataclasses
import fcntl
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import cbor2

from .errors import MalformedBody
from .frames import MOST_DESCRIPTORS, close_all

REFERENCE = 1230000972
"""The tag around the index of a descriptor, an offset and a length."""

UNREAD_HEADER = "blocks-unread"
"""Has the numbers of earlier requests whose replies are still being read."""

BLOCKS_HEADER = "blocks"
"""Has the bytes of the reply that may be in blocks, and says that earlier replies were read."""

THRESHOLD = 256 * 1024
"""Smaller data is sent in the message, which costs less."""

MOST_BLOCKS = 64
"""In one message."""

KEPT = 10.0
"""Seconds for which a block is kept for the next message."""

_MARGIN = 8
"""One part of so many of a message is for what is not in large data."""

_ITEMS_LOOKED_AT = 1000
"""Large data is near the top of a value: not every number of a long list is looked at."""

_SCALARS = frozenset((int, float, str, bool, type(None)))
"""Most of what a value consists of: one look is enough, as small elements of streams are many."""

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
_FUTURE_WRITE = 0x10  # F_SEAL_FUTURE_WRITE, Linux 5.1


def size_of(length: int) -> int:
    """The size of a block for some data: few different ones, so that it fits again."""
    unit = max(mmap.PAGESIZE, (1 << length.bit_length() - 1) // 8)
    return -(-length // unit) * unit


class Blocks:
    """The blocks of one lane, in both directions.

    :param limit: the bytes of one message that may be in blocks, and that are kept
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._known: dict[tuple[int, int], _Known] = {}
        self._unused: list[_Block] = []
        self._lent: set[_Block] = set()
        self._lent_bytes = 0
        self._closed = False

    def read(self, descriptors: Sequence[int]) -> Reading:
        """Begins to read a message."""
        return Reading(self, descriptors)

    def map(self, descriptor: int, status: os.stat_result) -> mmap.mmap:
        """Maps a block, or finds it again."""
        with self._lock:
            key = (status.st_dev, status.st_ino)
            known = self._known.pop(key, None)
            if known is None or len(known.memory) != status.st_size:
                known = _Known(_map(descriptor, status))
            known.used = time.monotonic()
            self._known[key] = known  # as the one that was used last
            return known.memory

    def drop_old(self) -> None:
        """Gives back what was not used for a while, or is too much."""
        with self._lock:
            old = time.monotonic() - KEPT
            size = sum(len(known.memory) for known in self._known.values())
            for key, known in list(self._known.items()):
                too_much = size > self.limit or len(self._known) > MOST_BLOCKS
                if not too_much and known.used >= old:
                    break
                size -= len(known.memory)
                del self._known[key]
                _unmap(known.memory)
            self._drop_unused(old)

    def _drop_unused(self, old: float) -> None:
        while self._unused and self._unused[0].used < old:
            self._unused.pop(0).close()

    def take(self, length: int, limit: int, request: int) -> _Block | None:
        """Returns a block for some data, unless what the peer has not read would have more bytes
        than the limit then. It is lent at once: nobody writes it again until the peer has read it.
        """
        with self._lock:
            room = limit - self._lent_bytes
            size = size_of(length)
            if size > room:
                size = -(-length // mmap.PAGESIZE) * mmap.PAGESIZE
            if self._closed or not self._has_room(size, 1, limit):
                return None
            block = self._find_unused(size) or self._create(size, room)
            if block is not None:
                block.request = request
                self._lent.add(block)
                self._lent_bytes += size
            self._drop_unused(time.monotonic() - KEPT)
            return block

    def _find_unused(self, size: int) -> _Block | None:
        for block in reversed(self._unused):
            if len(block.memory) == size:
                self._unused.remove(block)
                return block
        return None

    def _create(self, size: int, room: int) -> _Block | None:
        kept = sum(len(block.memory) for block in self._unused)
        while self._unused and kept > room - size:
            oldest = self._unused.pop(0)
            kept -= len(oldest.memory)
            oldest.close()
        try:
            return _Block(size)
        except OSError:
            return None  # then the data is sent as it always was

    def are_read(self, blocks: Sequence[_Block]) -> None:
        """Lets some blocks be used again, those of an element."""
        with self._lock:
            self._give_back([block for block in blocks if block in self._lent])

    def has_room(self, size: int, count: int, limit: int) -> bool:
        """Whether so many blocks can be lent besides those that the peer has not read."""
        with self._lock:
            return self._has_room(size, count, limit)

    def _has_room(self, size: int, count: int, limit: int) -> bool:
        return self._lent_bytes + size <= limit and len(self._lent) + count <= MOST_BLOCKS

    def replies_are_read(self, unread: Collection[int] = ()) -> None:
        """Lets the blocks of earlier replies be used again, except for those of some requests."""
        with self._lock:
            self._give_back([block for block in self._lent if block.request not in unread])

    def _give_back(self, blocks: Sequence[_Block]) -> None:
        for block in blocks:
            self._lent.remove(block)
            self._lent_bytes -= len(block.memory)
            block.used = time.monotonic()
            self._unused.append(block)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for block in (*self._unused, *self._lent):
                block.close()
            for known in self._known.values():
                _unmap(known.memory)
            self._unused, self._lent, self._lent_bytes, self._known = [], set(), 0, {}


class Reading:
    """The references of one message."""

    def __init__(self, blocks: Blocks, descriptors: Sequence[int]) -> None:
        self._blocks = blocks
        self._descriptors = descriptors
        self._memory: dict[int, mmap.mmap] = {}
        self._block_bytes = 0
        self._bytes = 0

    def hook(self, *arguments: Any) -> Any:
        """Called by cbor2 with each tag that it does not know."""
        tag = next(argument for argument in arguments if isinstance(argument, cbor2.CBORTag))
        return self._data(tag.value) if tag.tag == REFERENCE else tag

    def _data(self, numbers: Any) -> memoryview:
        if (
            not isinstance(numbers, (list, tuple))
            or len(numbers) != 3
            or any(type(number) is not int or number < 0 for number in numbers)
        ):
            raise MalformedBody("A reference to a block is not an array of three unsigned numbers")
        index, offset, length = numbers
        memory = self._block(index)
        if length < 1 or offset + length > len(memory):
            raise MalformedBody(
                f"A reference is to {length} bytes at {offset} of a block of {len(memory)} bytes"
            )
        self._bytes += length
        self._check_limit(self._bytes)
        return memoryview(memory)[offset : offset + length].toreadonly()

    def _block(self, index: int) -> mmap.mmap:
        if index not in self._memory:
            if index >= len(self._descriptors):
                raise MalformedBody(
                    f"A reference is to descriptor {index}, and {len(self._descriptors)} came"
                )
            if len(self._memory) == MOST_BLOCKS:
                raise MalformedBody(f"There are more than {MOST_BLOCKS} blocks in one message")
            descriptor = self._descriptors[index]
            status = os.fstat(descriptor)
            self._check_limit(status.st_size)
            self._block_bytes += status.st_size
            self._check_limit(self._block_bytes)
            self._memory[index] = self._blocks.map(descriptor, status)
        return self._memory[index]

    def _check_limit(self, size: int) -> None:
        if size > self._blocks.limit:
            raise MalformedBody(
                f"A message has more than {self._blocks.limit} bytes in blocks, or refers to more"
            )

    def others(self) -> list[int]:
        """Closes the descriptors of the blocks, and returns all others."""
        close_all([self._descriptors[index] for index in self._memory])
        return [
            descriptor
            for index, descriptor in enumerate(self._descriptors)
            if index not in self._memory
        ]


class ReplyBlocks:
    """The blocks of one reply: of its value, or of its elements.

    :param request: its number
    :param limit: how many bytes that it has not read its requester accepts
    :param largest_message: the bytes that a message may have
    """

    def __init__(self, blocks: Blocks, request: int, limit: int, largest_message: int) -> None:
        self._blocks = blocks
        self._request = request
        self._most_in_message = largest_message - largest_message // _MARGIN
        self._limit = min(limit, blocks.limit)
        self._changed = threading.Condition()
        self._elements: deque[tuple[int, list[_Block]]] = deque()
        """Those that had references and that the requester has not read yet, with their numbers."""
        self._sent = 0

    def put(self, value: Any, files: int) -> tuple[Any, list[int]]:
        """Puts large data into blocks, and returns the value with references instead, and the
        descriptors of the blocks. The message has to be sent at once.

        :param files: how many descriptors of the application come before those of the blocks
        """
        if not has_large_data(value):
            return value, []
        filled = Filled(self._blocks, self._limit, self._request, files)
        value = filled.replace(value)
        if filled.blocks:
            with self._changed:
                self._elements.append((self._sent + 1, filled.blocks))
        return value, [block.descriptor for block in filled.blocks]

    def message_sent(self) -> None:
        """A message with elements was sent, with blocks or without."""
        with self._changed:
            self._sent += 1

    def elements_are_read(self, count: int) -> None:
        """Lets the blocks of the first messages with elements be used again. The thread that reads
        calls this, whatever the handler does, and the number may be wrong."""
        with self._changed:
            while self._elements and self._elements[0][0] <= count:
                self._blocks.are_read(self._elements.popleft()[1])
            self._changed.notify_all()

    def lacks_room(self, value: Any) -> bool:
        """Whether an element fits into no message, and into blocks only once others were read."""
        if not self._elements:
            return False
        sizes = list(_large_sizes(value))
        size = sum(-(-length // mmap.PAGESIZE) * mmap.PAGESIZE for length in sizes)
        if sum(sizes) <= self._most_in_message or size > self._limit or len(sizes) > MOST_BLOCKS:
            return False
        return not self._blocks.has_room(size, len(sizes), self._limit)

    def await_room(self, value: Any, check: Callable[[], None]) -> None:
        """Waits while an element lacks room.

        :param check: ends the wait by an exception. :meth:`wake` has it called again
        """
        with self._changed:
            while self.lacks_room(value):
                check()
                self._changed.wait()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def has_large_data(value: Any) -> bool:
    """Whether some of the data of a value is worth a block."""
    return next(_large_sizes(value), 0) > 0


def _large_sizes(value: Any) -> Iterator[int]:
    """The sizes of all data that is worth a block."""
    items = [value]
    for item in islice(items, _ITEMS_LOOKED_AT):  # and what is appended meanwhile
        if type(item) in _SCALARS:
            continue
        if isinstance(item, (bytes, bytearray, memoryview)):
            size = memoryview(item).nbytes
            if size >= THRESHOLD:
                yield size
        elif isinstance(item, dict):
            items += islice(item.values(), _ITEMS_LOOKED_AT)
        elif type(item) in (list, tuple):
            items += item[:_ITEMS_LOOKED_AT]
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            items += [getattr(item, field.name) for field in dataclasses.fields(item)]


class Filled:
    """The blocks of one message that is being written.

    :param limit: how many bytes in blocks the receiver may have before it has read them
    :param request: the number of the request
    :param files: how many descriptors of the application come before those of the blocks
    """

    def __init__(self, blocks: Blocks, limit: int, request: int, files: int) -> None:
        self._blocks = blocks
        self._limit = limit
        self._request = request
        self._files = files
        self._most = min(MOST_BLOCKS, MOST_DESCRIPTORS - files)
        self._items = _ITEMS_LOOKED_AT
        self.blocks: list[_Block] = []

    def replace(self, value: Any) -> Any:
        """Returns the value with references instead of large data."""
        self._items -= 1
        if self._items < 0:
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._put(memoryview(value)) or value
        if isinstance(value, dict):
            return {key: self.replace(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return [self.replace(item) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                field.name: self.replace(getattr(value, field.name))
                for field in dataclasses.fields(value)
            }
        return value

    def _put(self, data: memoryview) -> cbor2.CBORTag | None:
        length = data.nbytes
        if length < THRESHOLD or len(self.blocks) >= self._most:
            return None
        block = self._blocks.take(length, self._limit, self._request)
        if block is None:
            return None
        content = data.cast("B") if data.c_contiguous else memoryview(data.tobytes())
        block.memory[:length] = content
        self.blocks.append(block)
        return cbor2.CBORTag(REFERENCE, [self._files + len(self.blocks) - 1, 0, length])


def unread(headers: Mapping[str, str]) -> set[int]:
    """The numbers of requests whose replies are still being read."""
    numbers = headers.get(UNREAD_HEADER, "").split()
    return {int(number) for number in numbers if number.isascii() and number.isdecimal()}


def wanted_size(headers: Mapping[str, str]) -> int:
    """How many bytes of the reply to a request may be in blocks."""
    size = headers.get(BLOCKS_HEADER, "")
    return int(size) if size.isascii() and size.isdecimal() and len(size) < 20 else 0


class _Known:
    """A block of the peer that is mapped."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory = memory
        self.used = 0.0


class _Block:
    """A block of our own: a file that cannot shrink, and that nobody else can write."""

    def __init__(self, size: int) -> None:
        self.used = 0.0
        self.request = 0
        self.descriptor = os.memfd_create("tiny-ipc-block", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, size)
            self.memory = mmap.mmap(self.descriptor, size)
            try:
                fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS | _FUTURE_WRITE)
            except OSError:
                fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            close_all([self.descriptor])
            raise

    def close(self) -> None:
        self.memory.close()
        close_all([self.descriptor])


def _map(descriptor: int, status: os.stat_result) -> mmap.mmap:
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        seals = 0
    if seals & _SEALS != _SEALS or status.st_dev != _device():
        raise MalformedBody(
            "A reference is to something else than memory that is sealed against shrinking, growing"
            " and further seals"
        )
    return mmap.mmap(descriptor, status.st_size, mmap.MAP_SHARED, mmap.PROT_READ)


_device_of_memory: int | None = None


def _device() -> int:
    """Of all memory files, except for those with huge pages, which may fail to be read."""
    global _device_of_memory
    if _device_of_memory is None:
        descriptor = os.memfd_create("tiny-ipc-block", os.MFD_CLOEXEC)
        try:
            _device_of_memory = os.fstat(descriptor).st_dev
        finally:
            close_all([descriptor])
    return _device_of_memory


def _unmap(memory: mmap.mmap) -> None:
    try:
        memory.close()
    except BufferError:
        pass  # somebody still has a view of it, and it goes with that
