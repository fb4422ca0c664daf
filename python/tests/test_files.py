"""Files that come and go."""

import array
import fcntl
import mmap
import os
import socket
import stat

import numpy
import pytest

from conftest import eventually
from raw import ELEMENT, END, envelope, loads
from tiny_ipc import Files, Memory, memory

APP = """
    import os, tempfile
    from tiny_ipc import App, Reply, memory
    app = App()
    kept = []
    sealed = memory(b"used again and again")

    @app.handler("read")
    def read(request):
        return [file.open().read() for file in request.files]

    @app.handler("kinds")
    def kinds(request):
        return [file.kind for file in request.files]

    @app.handler("keep")
    def keep(request):
        kept.append(request.files[0].detach())
        return os.pread(kept[-1], 100, 0)

    @app.handler("again")
    def again(request):
        return os.pread(kept[-1], 100, 0)

    @app.handler("sum")
    def sum_(request):
        array = request.files[0].array("int32", (2, 3))
        return [int(array.sum()), array.tolist()]

    @app.handler("memory")
    def memory_(request):
        return Reply("in memory", files=[memory(request.payload)])

    @app.handler("number")
    def number(request):
        read, write = os.pipe()
        os.write(write, b"piped")
        os.close(write)
        return Reply(1, files=[read])

    @app.handler("cached")
    def cached(request):
        return Reply(1, files=[sealed], close=False)

    @app.handler("unwritable")
    def unwritable(request):
        return Reply(object(), files=[memory(b"x")])

    @app.handler("many")
    def many(request):
        return Reply(1, files=[sealed] * 254, close=False)

    @app.handler("closed")
    def closed(request):
        file = open(__file__)
        file.close()
        return Reply(1, files=[file])

    @app.handler("stream")
    def stream(request):
        for number in range(request.payload):
            yield Reply(number, files=[memory(str(number).encode())])

    @app.handler("missing")
    def missing(request):
        return request.files[1]

    app.run()
"""


@pytest.fixture
def parent(start):
    parent = start(APP)
    parent.hello()
    parent.call = lambda method, payload=None, *files: parent.ask(
        envelope(payload, method=method), *files
    )
    assert parent.call("kinds") == []
    return parent


def content(parent, method, payload=None):
    parent.send(envelope(payload, method=method))
    body, (descriptor,) = parent.receive_body()
    try:
        is_pipe = method == "number"
        data = os.read(descriptor, 100) if is_pipe else os.pread(descriptor, 100, 0)
        return loads(body), data
    finally:
        os.close(descriptor)


def test_files_of_a_request_are_read_and_closed(parent, tmp_path):
    (tmp_path / "a").write_bytes(b"A")
    (tmp_path / "b").write_bytes(b"B")
    before = parent.descriptors()
    with open(tmp_path / "a", "rb") as a, open(tmp_path / "b", "rb") as b:
        assert parent.call("read", None, a, b) == [b"A", b"B"]
    eventually(lambda: parent.descriptors() == before)


def test_the_kinds_of_files_are_told_apart(parent, tmp_path):
    read, write = os.pipe()
    ours, theirs = socket.socketpair()
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with memory(b"x") as sealed, open(__file__) as file, open("/dev/null") as null:
            kinds = parent.call("kinds", None, sealed, file, null, read, ours, folder)
    finally:
        for descriptor in (read, write, folder):
            os.close(descriptor)
        ours.close()
        theirs.close()
    assert kinds == ["memory", "file", "device", "pipe", "socket", "directory"]


def test_a_detached_file_is_the_handlers(parent, tmp_path):
    (tmp_path / "a").write_bytes(b"kept")
    with open(tmp_path / "a", "rb") as file:
        assert parent.call("keep", None, file) == b"kept"
    assert parent.call("again") == b"kept"


def test_an_array_comes_in_memory(parent):
    numbers = numpy.arange(6, dtype="int32").reshape(2, 3)
    with memory(numbers) as sealed:
        assert parent.call("sum", None, sealed) == [15, [[0, 1, 2], [3, 4, 5]]]


def test_memory_goes_with_a_reply_and_is_closed_after_it(parent):
    before = parent.descriptors()
    assert content(parent, "memory", b"some bytes") == ("in memory", b"some bytes")
    eventually(lambda: parent.descriptors() == before)


def test_a_number_of_a_descriptor_goes_with_a_reply_and_is_closed_after_it(parent):
    before = parent.descriptors()
    assert content(parent, "number") == (1, b"piped")
    eventually(lambda: parent.descriptors() == before)


def test_a_file_that_is_not_closed_can_be_sent_again(parent):
    for _ in range(3):
        assert content(parent, "cached") == (1, b"used again and again")


@pytest.mark.parametrize(
    "method, kind",
    [
        ("unwritable", "TypeError"),
        ("many", "MessageTooLarge"),
        ("closed", "ValueError"),
        ("missing", "IndexError"),
    ],
)
def test_what_cannot_be_sent_is_an_error_item_and_leaks_nothing(parent, method, kind):
    before = parent.descriptors()
    assert parent.call(method).value["type"] == kind
    eventually(lambda: parent.descriptors() == before)


def test_each_element_of_a_stream_can_have_files(parent):
    parent.send(envelope(3, method="stream"))
    for number in range(3):
        body, (descriptor,) = parent.receive_body()
        with open(descriptor, "rb") as file:
            assert (loads(body).tag, file.read()) == (ELEMENT, str(number).encode())
    assert parent.receive().tag == END


def test_memory_is_sealed():
    with memory(b"sealed") as sealed:
        assert sealed.size == 6
        with pytest.raises(PermissionError):
            os.write(sealed.fileno(), b"x")
        with pytest.raises(PermissionError):
            os.ftruncate(sealed.fileno(), 0)
        assert fcntl.fcntl(sealed.fileno(), fcntl.F_GET_SEALS) & fcntl.F_SEAL_SEAL


def test_memory_takes_any_buffer():
    transposed = numpy.arange(6).reshape(2, 3).T
    for data, expected in (
        (b"", b""),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abc")[1:], b"bc"),
        (array.array("H", [1, 2]), array.array("H", [1, 2]).tobytes()),
        (transposed, transposed.tobytes()),
        (numpy.empty((0, 3)), b""),
        (numpy.float32(1.5), numpy.float32(1.5).tobytes()),
    ):
        with memory(data) as sealed:
            assert os.pread(sealed.fileno(), 100, 0) == expected
    with pytest.raises(TypeError):
        memory("text")


def files(data, count=1):
    sealed = memory(data)
    return sealed, Files(os.dup(sealed.fileno()) for _ in range(count))


def test_a_mapping_and_an_array_outlive_the_file():
    sealed, received = files(numpy.arange(4, dtype="float64"))
    with sealed, received:
        mapped = received[0].mmap()
        numbers = received[0].array("float64")
    assert received[0].__repr__() == "<File closed>"
    assert isinstance(mapped, mmap.mmap) and len(mapped) == 32
    assert numbers.tolist() == [0, 1, 2, 3]
    assert not numbers.flags.writeable and not numbers.flags.owndata
    mapped.close()
    del numbers


def test_memory_that_can_be_shrunk_is_not_mapped():
    descriptor = os.memfd_create("open", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, b"12345678")
    with Files([descriptor]) as received:
        with pytest.raises(ValueError, match="can still be shrunk"):
            received[0].mmap()
        with pytest.raises(ValueError, match="can still be shrunk"):
            received[0].array()
        with received[0].open() as file:
            file.seek(0)
            assert file.read() == b"12345678"
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        assert received[0].array().tolist() == list(b"12345678")


def test_an_array_larger_than_its_file_is_refused():
    sealed, received = files(b"12345678")
    with sealed, received:
        with pytest.raises(ValueError, match="has 16 bytes, and the file has 8"):
            received[0].array("int32", (2, 2))
        assert received[0].array("int32", 1).shape == (1,)
        assert received[0].array("int32", (0, 5)).shape == (0, 5)
        with pytest.raises(ValueError):
            received[0].array("int32", (-1, 2))


def test_without_numpy_an_array_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    sealed, received = files(b"12345678")
    with sealed, received, pytest.raises(ImportError, match="pip install numpy"):
        received[0].array()


def test_closing_closes_what_was_not_detached():
    sealed, received = files(b"x", count=3)
    with sealed:
        numbers = [file.fileno() for file in received]
        assert received[1].detach() == numbers[1]
        received.close()
        for number in (numbers[0], numbers[2]):
            with pytest.raises(OSError):
                os.fstat(number)
        assert stat.S_ISREG(os.fstat(numbers[1]).st_mode)
        os.close(numbers[1])
        for file in received:
            with pytest.raises(ValueError, match="closed, or was detached"):
                file.fileno()


def test_received_descriptors_are_close_on_exec():
    sealed, received = files(b"x")
    with sealed, received, received[0].open() as file:
        assert not os.get_inheritable(file.fileno())
        assert file.read() == b"x"
    assert isinstance(sealed, Memory)


def test_files_are_a_sequence_that_says_how_many_there_are():
    with Files() as received:
        assert len(received) == 0 and list(received) == []
        with pytest.raises(IndexError, match="0 files came"):
            received[0]
