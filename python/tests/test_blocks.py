"""Bulk data in memory that both ends map."""

import fcntl
import mmap
import os

import pytest

from conftest import eventually
from raw import ERROR_ITEM, envelope, loads, tagged

MIB = 1024 * 1024
LIMIT = 64 * MIB
REFERENCE = 1230000972
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW

APP = """
    import dataclasses, numpy
    from tiny_ipc import App, Reply, memory
    app = App(blocks=True)
    kept = []

    @dataclasses.dataclass
    class Image:
        width: int
        pixels: memoryview

    @app.handler("kind")
    def kind(request):
        data = request.payload
        is_view = getattr(data, "readonly", None)
        return [type(data).__name__, is_view, len(data), data[0], len(request.files)]

    @app.handler("echo")
    def echo(request):
        return request.payload

    @app.handler("image")
    async def image(request):
        array = numpy.full((1024, 1024), request.payload, "uint8")
        return Image(1024, array.data)

    @app.handler("file")
    def file(request):
        return Reply([bytes(1 << 20)], files=[memory(b"abc")])

    @app.handler("keep")
    def keep(request):
        kept.append(request.payload)
        return kept[0][0]

    @app.handler("sum")
    def sum(request):
        return int(numpy.frombuffer(request.payload, "uint8").sum())

    app.run()
"""


def start_with_blocks(start, app):
    child = start(app, TINY_IPC_BLOCKS=str(LIMIT))
    assert child.hello()["blocks"] == LIMIT
    return child


@pytest.fixture
def child(start):
    return start_with_blocks(start, APP)


class Block:
    """A block of the parent."""

    def __init__(self, size, seals=SEALS):
        self.descriptor = os.memfd_create("block", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, size)
        self.memory = mmap.mmap(self.descriptor, size) if size else None
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)

    def fileno(self):
        return self.descriptor

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.memory is not None:
            self.memory.close()
        os.close(self.descriptor)


def reference(*numbers):
    return tagged(REFERENCE, list(numbers))


def ask(child, method, payload, *files, **headers):
    """Returns the payload of the reply, and its descriptors."""
    entries = {"headers": headers} if headers else {}
    child.send(envelope(payload, id=ask.number, method=method, **entries), *files)
    body, received = child.receive_body()
    reply = loads(body)
    assert reply.value["id"] == ask.number
    ask.number += 1
    return reply.value["payload"], received


ask.number = 1


def content(item, files):
    """What a reference of a reply is to."""
    assert item.tag == REFERENCE
    index, offset, length = item.value
    assert fcntl.fcntl(files[index], fcntl.F_GET_SEALS) & SEALS == SEALS
    with mmap.mmap(files[index], 0, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
        return memory[offset : offset + length]


def close(files):
    for file in files:
        os.close(file)


def error(child, payload, *files):
    item, _ = ask(child, "kind", payload, *files)
    assert item.tag == ERROR_ITEM
    return item.value["message"]


def test_a_handler_gets_a_read_only_view(child):
    with Block(MIB) as block:
        block.memory[4096] = 7
        for _ in range(3):
            assert ask(child, "kind", reference(0, 4096, 100), block) == (
                ["memoryview", True, 100, 7, 0],
                [],
            )
        block.memory[:] = bytes([1]) * MIB
        assert ask(child, "sum", reference(0, 0, MIB), block) == (MIB, [])
    assert ask(child, "kind", b"abc") == (["bytes", None, 3, 97, 0], [])


def test_descriptors_of_blocks_are_no_files(child):
    with Block(MIB) as block, open("/dev/null") as file:
        assert ask(child, "kind", reference(1, 0, 5), file, block)[0][-1] == 1


def test_large_data_of_a_reply_is_in_blocks_if_the_request_accepts_that(child):
    data = os.urandom(MIB + 1)
    item, files = ask(child, "echo", {"a": [data, b"small"]}, blocks=str(LIMIT))
    assert content(item["a"][0], files) == data
    assert item["a"][1] == b"small"
    close(files)
    assert ask(child, "echo", data) == (data, [])
    assert ask(child, "echo", data, blocks=str(MIB)) == (data, [])
    assert ask(child, "echo", data, blocks="many") == (data, [])
    item, files = ask(child, "file", None, blocks=str(LIMIT))
    assert os.pread(files[0], 9, 0) == b"abc"
    assert item[0].value == [1, 0, MIB]
    close(files)


def test_arrays_and_async_handlers_have_them_too(child):
    item, files = ask(child, "image", 7, blocks=str(LIMIT))
    assert item["width"] == 1024
    assert content(item["pixels"], files) == b"\7" * MIB
    close(files)


def test_a_block_is_used_again_once_its_reply_was_read(child):
    inodes = set()
    for number in range(10):
        item, files = ask(child, "image", number, blocks=str(LIMIT))
        assert content(item["pixels"], files) == bytes([number]) * MIB
        inodes.add(os.fstat(files[0]).st_ino)
        close(files)
    assert len(inodes) == 1
    first, files = ask(child, "image", 1, blocks=str(LIMIT))
    ask(child, "image", 2)
    assert content(first["pixels"], files) == b"\1" * MIB
    close(files)


def test_a_view_that_a_handler_has_kept_is_harmless(child):
    for number in range(70):
        with Block(MIB) as block:
            block.memory[0] = number
            assert ask(child, "keep", reference(0, 0, MIB), block)[0] in (0, number)
    assert child.end() == 0


def test_wrong_references_are_refused(child):
    with Block(4096) as block:
        for numbers in ([], [0, 0], [0, 0, 1, 1], [0, 0, "1"], [0, -1, 1], [0, 0, True], 7, None):
            assert "three unsigned numbers" in error(child, tagged(REFERENCE, numbers), block)
        assert "1 came" in error(child, reference(1, 0, 1), block)
        assert "0 came" in error(child, reference(0, 0, 1))
        for numbers in ([0, 0, 0], [0, 0, 4097], [0, 4096, 1], [0, 2**64 - 1, 2]):
            assert "of a block of 4096 bytes" in error(child, reference(*numbers), block)
        assert ask(child, "kind", reference(0, 0, 1), block)[0][0] == "memoryview"
    for seals in (0, SEALS & ~fcntl.F_SEAL_SEAL, SEALS & ~fcntl.F_SEAL_SHRINK):
        with Block(4096, seals) as block:
            assert "sealed against shrinking" in error(child, reference(0, 0, 1), block)
    with open("/proc/self/exe", "rb") as file:
        assert "sealed" in error(child, reference(0, 0, 1), file)
    with Block(LIMIT + 4096) as block:
        assert f"more than {LIMIT} bytes" in error(child, reference(0, 0, 1), block)
    with Block(MIB) as block:
        many = [reference(0, 0, MIB)] * 65
        assert f"more than {LIMIT} bytes" in error(child, many, block)
    blocks = [Block(4096) for _ in range(65)]
    assert "more than 64 blocks" in error(child, [reference(i, 0, 1) for i in range(65)], *blocks)
    for block in blocks:
        block.__exit__()


def test_whoever_does_not_want_blocks_does_not_say_so(start):
    for script, environment in (
        (APP, {}),
        (APP.replace("blocks=True", ""), {"TINY_IPC_BLOCKS": "1000000"}),
    ):
        child = start(script, **environment)
        assert "blocks" not in child.hello()
        assert ask(child, "echo", bytes(MIB), blocks=str(LIMIT)) == (bytes(MIB), [])


def test_memory_is_given_back_at_the_end_of_a_lane(start):
    child = start(APP.replace("App(", "App(2, "), TINY_IPC_BLOCKS=str(LIMIT))
    child.hello()
    lane = child.open_lane()
    _, files = ask(lane, "image", 1, blocks=str(LIMIT))
    close(files)
    maps = f"/proc/{child.process.pid}/maps"
    with open(maps) as file:
        assert "tiny-ipc-block" in file.read()
    lane.close()

    def is_gone():
        with open(maps) as file:
            return "tiny-ipc-block" not in file.read()

    eventually(is_gone)
