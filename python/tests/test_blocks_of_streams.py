"""Bulk data in the elements of a stream, and what the parent says about those it has read."""

import mmap
import os
import time

import pytest

from conftest import eventually
from raw import (
    CANCEL,
    ELEMENT,
    ELEMENTS,
    END,
    ERROR_ITEM,
    HEADER,
    PATIENCE,
    READ,
    envelope,
    loads,
    tagged,
)
from test_blocks import LIMIT, REFERENCE, close, content, start_with_blocks

SIZE = 256 * 1024

APP = """
    import dataclasses, itertools, numpy
    from tiny_ipc import App, Reply, memory
    app = App(3, blocks=True)
    SIZE = 256 * 1024

    @dataclasses.dataclass
    class Frame:
        number: int
        data: bytes

    def large(number):
        return bytes([number % 256]) * SIZE

    @app.handler()
    def echo(request):
        return request.payload

    @app.handler("bytes")
    def bytes_(request):
        yield from map(large, range(request.payload))

    @app.handler("nested")
    def nested(request):
        for number in range(request.payload):
            yield {"a": [[number, Frame(number, large(number))]]}

    @app.handler("arrays")
    def arrays(request):
        for number in range(request.payload):
            yield [numpy.full((4, SIZE // 4), number % 256, "uint8").data]

    @app.handler("async")
    async def async_(request):
        for number in range(request.payload):
            yield [large(number)]

    @app.handler("iterator")
    def iterator(request):
        return iter([[large(number)] for number in range(request.payload)])

    @app.handler("files")
    def files(request):
        for number in range(request.payload):
            yield Reply([large(number)], files=[memory(b"%d" % number)])

    @app.handler("mixed")
    def mixed(request):
        for number in range(request.payload):
            yield number
            if number % 5 == 0:
                yield [number, large(number)]
            if number % 7 == 0:
                yield b"small"

    @app.handler("unwritable")
    def unwritable(request):
        yield large(0)
        yield [large(1), object()]

    @app.handler("endless")
    def endless(request):
        for number in itertools.count():
            yield [large(number)]

    @app.handler("endless async")
    async def endless_async(request):
        for number in itertools.count():
            yield [large(number)]

    app.run()
"""


@pytest.fixture
def child(start):
    return start_with_blocks(start, APP)


class Stream:
    """A streamed reply that is being received. It has read no element until it says so."""

    last = 0

    def __init__(self, lane, method, payload=None, blocks=LIMIT, **headers):
        Stream.last += 1
        self.lane, self.number = lane, Stream.last
        self.inodes = set()
        self.references = 0
        self.messages = 0
        """Those with elements, which a read counts."""
        self.referred = False
        """Whether the last element had a reference."""
        self.end = None
        self._gathered = []
        self._deadline = time.monotonic() + PATIENCE
        headers["blocks"] = str(blocks)
        lane.send(envelope(payload, id=self.number, method=method, headers=headers))

    def __iter__(self):
        return self

    def __next__(self):
        """Returns the next element, with the data that it refers to."""
        assert time.monotonic() < self._deadline, "it goes on and on"
        self.referred = False
        if not self._gathered:
            body, files = self.lane.receive_body()
            reply = loads(body).value
            assert reply["id"] == self.number
            item = reply["payload"]
            self.messages += item.tag in (ELEMENT, ELEMENTS)
            if item.tag == ELEMENT:
                return self._resolve(item.value, files)
            assert not files
            if item.tag != ELEMENTS:
                self.end = item
                raise StopIteration
            self._gathered = item.value
        return self._gathered.pop(0)

    def _resolve(self, value, files):
        try:
            value = self._data(value, files)
        finally:
            close(files)
        self.references += self.referred
        return value

    def _data(self, value, files):
        if getattr(value, "tag", None) == REFERENCE:
            self.referred = True
            self.inodes.add(os.fstat(files[value.value[0]]).st_ino)
            return content(value, files)
        if isinstance(value, list):
            return [self._data(item, files) for item in value]
        if isinstance(value, dict):
            return {key: self._data(item, files) for key, item in value.items()}
        return value

    def next_references(self, count):
        """Reads on until so many more elements had references."""
        expected = self.references + count
        while self.references < expected:
            next(self)

    def say_read(self, count):
        self.lane.send(tagged(READ, count))

    def cancel(self):
        self.lane.send(tagged(CANCEL, None))
        for _ in self:
            pass
        assert self.end.value["type"] == "Cancelled"


def large(number):
    return bytes([number % 256]) * SIZE


def is_in_step(lane):
    return lane.ask(envelope(7, id=1 << 40)) == envelope(7, id=1 << 40)


SHAPES = {
    "bytes": large,
    "nested": lambda number: {"a": [[number, {"number": number, "data": large(number)}]]},
    "arrays": lambda number: [large(number)],
    "async": lambda number: [large(number)],
    "iterator": lambda number: [large(number)],
}

GATHERED = pytest.mark.parametrize("headers", [{}, {"elements": "32768"}], ids=["", "gathered"])


@GATHERED
@pytest.mark.parametrize("method", SHAPES)
def test_large_elements_come_in_blocks(child, method, headers):
    stream = Stream(child, method, 6, **headers)
    assert list(stream) == [SHAPES[method](number) for number in range(6)]
    assert (stream.references, len(stream.inodes)) == (6, 6)
    assert stream.end == tagged(END, None)
    assert is_in_step(child)


@GATHERED
@pytest.mark.parametrize("blocks", ["0", "many"])
def test_without_the_header_they_have_none(child, blocks, headers):
    stream = Stream(child, "nested", 3, blocks, **headers)
    assert list(stream) == [SHAPES["nested"](number) for number in range(3)]
    assert stream.references == 0


@GATHERED
def test_small_elements_between_them_keep_their_places(child, headers):
    expected = []
    for number in range(60):
        expected.append(number)
        expected += [[number, large(number)]] if number % 5 == 0 else []
        expected += [b"small"] if number % 7 == 0 else []
    stream = Stream(child, "mixed", 60, **headers)
    assert list(stream) == expected
    assert stream.references == 12


def test_blocks_come_after_the_files_of_an_element(child):
    child.send(envelope(3, id=1, method="files", headers={"blocks": str(LIMIT)}))
    for number in range(3):
        body, files = child.receive_body()
        (data,) = loads(body).value["payload"].value
        assert data.value == [1, 0, SIZE]
        assert content(data, files) == large(number)
        assert os.pread(files[0], 9, 0) == b"%d" % number
        close(files)
    child.receive()


@pytest.mark.parametrize("method", ["endless", "endless async"])
def test_a_read_has_blocks_used_again(child, method):
    stream = Stream(child, method, blocks=4 * SIZE)
    for number, element in enumerate(stream):
        assert element == [large(number)]
        if stream.referred:
            stream.say_read(stream.messages)
        if stream.references == 100:
            break
    assert len(stream.inodes) <= 4
    stream.cancel()


@pytest.mark.parametrize("ours", [True, False])
def test_what_is_unread_is_never_more_than_either_end_accepts(start, ours):
    child = start(APP, TINY_IPC_BLOCKS=str(LIMIT if ours else 3 * SIZE))
    child.hello()
    for _ in range(3):
        stream = Stream(child, "bytes", 30, blocks=3 * SIZE if ours else LIMIT)
        found = [(stream.referred, element) for element in stream]
        assert found == [(number < 3, large(number)) for number in range(30)]


def test_a_read_says_for_how_many_elements_there_is_room(child):
    stream = Stream(child, "endless", blocks=4 * SIZE)
    stream.next_references(4)
    stream.say_read(1)
    stream.next_references(1)
    stream.say_read(3)
    stream.next_references(2)
    for count in (3, 2, 0):
        stream.say_read(count)
    for _ in range(30):
        next(stream)
    assert stream.references == 7
    stream.cancel()


def test_a_read_that_says_too_much_counts_for_what_was_sent(child):
    stream = Stream(child, "endless", blocks=2 * SIZE)
    stream.next_references(2)
    for count in (3, 2**64 - 1):
        stream.say_read(count)
        stream.next_references(2)
        for _ in range(30):
            next(stream)
            assert not stream.referred
    stream.cancel()


READ_HEAD = bytes.fromhex("da4950534d")
MALFORMED = [
    READ_HEAD + bytes.fromhex(rest)
    for rest in " 20 f6 6133 f94200 8103 c103 0303 1b00 1f ff d8 fc".split(" ")
] + [READ_HEAD + b"\xd8\x20" * 9 + b"\x03"]


def test_a_malformed_read_is_ignored(child):
    stream = Stream(child, "endless", blocks=2 * SIZE)
    stream.next_references(2)
    for body in MALFORMED:
        child.send_body(body)
    for _ in range(30):
        next(stream)
    assert stream.references == 2
    stream.say_read(1)
    stream.next_references(1)
    stream.cancel()
    assert is_in_step(child)


def test_heads_of_any_width_and_descriptors_that_come_along_are_fine(child):
    stream = Stream(child, "endless", blocks=2 * SIZE)
    stream.next_references(2)
    before = child.descriptors()
    with open("/dev/null") as file:
        child.send_body(bytes.fromhex("d9d9f7db000000004950534d1b0000000000000001"), file)
    stream.next_references(1)
    assert child.descriptors() == before
    stream.cancel()


def test_a_read_over_the_limit_of_messages_is_ignored(start):
    child = start(APP, TINY_IPC_BLOCKS=str(LIMIT), TINY_IPC_MAX_MESSAGE_SIZE=str(2 * SIZE))
    child.hello()
    stream = Stream(child, "endless", blocks=2 * SIZE)
    stream.next_references(2)
    first = READ_HEAD + b"\1"  # which would be fine without the rest
    child.send_packet(HEADER.pack(len(first) + 3 * SIZE) + first)
    for _ in range(12):
        child.send_packet(bytes(SIZE // 4))
    child.send(tagged(READ, bytes(3 * SIZE)))
    for _ in range(30):
        next(stream)
    assert stream.references == 2
    stream.cancel()
    assert is_in_step(child)


def test_a_read_without_a_reply_that_is_due_is_ignored(child):
    for body in MALFORMED:
        child.send_body(body)
    child.send(tagged(READ, 3))
    assert is_in_step(child)
    for _ in range(2):
        stream = Stream(child, "bytes", 10, blocks=2 * SIZE)
        assert list(stream) == [large(number) for number in range(10)]
        assert stream.references == 2
        stream.say_read(2)


def test_a_read_while_a_value_is_due_is_ignored(child):
    child.send(envelope(large(1), id=1, headers={"blocks": str(LIMIT)}))
    child.send(tagged(READ, 1))
    body, files = child.receive_body()
    assert content(loads(body).value["payload"], files) == large(1)
    close(files)
    assert is_in_step(child)


@pytest.mark.parametrize("method", ["endless", "endless async"])
def test_a_read_is_understood_while_the_handler_cannot_send(child, method):
    lane = child.open_lane()
    stream = Stream(lane, method, blocks=2 * SIZE)
    stream.next_references(2)
    eventually(lambda: not lane.is_silent())  # the third does not fit, and will stay in the socket
    stream.say_read(2)
    assert is_in_step(child)  # the same thread has received both
    found = [(next(stream), stream.referred) for _ in range(3)]
    assert found == [([large(number)], number > 2) for number in (2, 3, 4)]
    stream.cancel()
    lane.close()


@pytest.mark.parametrize("method", ["endless", "endless async"])
def test_a_cancel_after_reads_leaves_the_lane_in_step(child, method):
    inodes = set()
    for _ in range(5):
        stream = Stream(child, method, blocks=4 * SIZE)
        stream.next_references(4)
        stream.say_read(2)
        stream.next_references(1)
        stream.say_read(5)
        stream.cancel()
        assert is_in_step(child)
        inodes |= stream.inodes
    assert len(inodes) <= 4


def test_an_element_that_cannot_be_written_ends_the_stream_only(child):
    for _ in range(3):
        stream = Stream(child, "unwritable", blocks=2 * SIZE)
        assert list(stream) == [large(0)]
        assert stream.end.tag == ERROR_ITEM


WAITING = pytest.mark.parametrize("method", ["nested", "async"])


def start_with_small_messages(start):
    child = start(APP, TINY_IPC_BLOCKS=str(LIMIT), TINY_IPC_MAX_MESSAGE_SIZE="100000")
    child.hello()
    return child


@WAITING
def test_what_fits_into_no_message_waits_for_a_read(start, method):
    stream = Stream(start_with_small_messages(start), method, 20, blocks=2 * SIZE)
    for number, element in enumerate(stream):
        assert element == SHAPES[method](number)
        assert stream.referred
        if number > 0:
            stream.say_read(number)
    assert stream.end == tagged(END, None)
    assert len(stream.inodes) <= 2


@WAITING
def test_whoever_waits_for_a_read_is_told_of_a_cancel(start, method):
    child = start_with_small_messages(start)
    stream = Stream(child, method, 20, blocks=2 * SIZE)
    stream.next_references(2)
    stream.cancel()
    assert is_in_step(child)


@WAITING
def test_whoever_waits_for_a_read_is_told_of_the_end(start, method):
    child = start_with_small_messages(start)
    stream = Stream(child, method, 20, blocks=2 * SIZE)
    stream.next_references(2)
    child.close()
    assert child.exit_code() == 0


def reply_in_block(child, number, **headers):
    """Returns the inode of the block that a reply is in, and a map of it."""
    child.send(envelope(large(number), id=number, headers={"blocks": str(LIMIT), **headers}))
    body, files = child.receive_body()
    assert content(loads(body).value["payload"], files) == large(number)
    inode = os.fstat(files[0]).st_ino
    memory = mmap.mmap(files[0], SIZE, mmap.MAP_SHARED, mmap.PROT_READ)
    close(files)
    return inode, memory


def test_a_reply_that_is_still_being_read_keeps_its_block(child):
    first, memory = reply_in_block(child, 1)
    unread = {"blocks-unread": "1 99 x 1.5"}
    others = {reply_in_block(child, number, **unread)[0] for number in range(2, 6)}
    assert len(others) == 1 and first not in others
    assert memory[:] == large(1)
    assert reply_in_block(child, 7)[0] in {first, *others}


def test_messages_without_references_count_as_well(child):
    stream = Stream(child, "mixed", 100, blocks=2 * SIZE)
    for _ in stream:
        stream.say_read(stream.messages)
    assert stream.references >= 10
    assert len(stream.inodes) <= 2


@pytest.mark.parametrize("method", ["bytes", "async"])
def test_an_element_that_would_be_one_block_too_many_waits_for_a_read(start, method):
    child = start(APP, TINY_IPC_BLOCKS=str(100 * SIZE), TINY_IPC_MAX_MESSAGE_SIZE="100000")
    child.hello()
    stream = Stream(child, method, 70, blocks=100 * SIZE)
    stream.next_references(64)
    stream.say_read(64)
    assert list(stream) == [SHAPES[method](number) for number in range(64, 70)]
    assert stream.references == 70
