"""Frames that are broken, and the golden frames of interop/vectors."""

import array
import fcntl
import json
import math
import pathlib
import socket
import struct
import termios
import textwrap

import pytest

from conftest import eventually
from raw import Closed, RawParent

VECTORS = pathlib.Path(__file__).parents[2] / "interop" / "vectors" / "manifest.json"
LIMIT = 16 * 1024 * 1024

ECHO = """
    from tiny_ipc import App
    app = App()

    @app.handler()
    def echo(request):
        if request.payload["do"] != "echo":
            raise ValueError("no request that this child knows")
        return request.payload["payload"]

    app.run()
"""


def vectors():
    return [
        pytest.param(vector, id=vector["name"])
        for vector in json.loads(VECTORS.read_text())["vectors"]
    ]


class Echo:
    """A child that is used until one of the vectors ends it."""

    def __init__(self, start):
        self.start = start
        self.parent = None

    def get(self):
        if self.parent is None:
            self.parent = self.start(ECHO, invite=False)
        return self.parent

    def ended(self):
        parent, self.parent = self.parent, None
        return parent.exit_code()


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    parents = []

    def start(script, **options):
        folder = tmp_path_factory.mktemp("echo")
        parents.append(RawParent(textwrap.dedent(script), folder, **options))
        return parents[-1]

    yield Echo(start)
    for parent in parents:
        parent.clean_up()


@pytest.fixture
def no_leaked_descriptors():
    """The child of all vectors outlives each."""


@pytest.mark.parametrize("vector", vectors())
def test_golden_frame(echo, vector):
    parent = echo.get()
    packets = [bytes.fromhex(packet) for packet in vector["packets"]]
    if len(packets[0]) >= 8:
        (length,) = struct.unpack_from("<Q", packets[0])
        packets[0] = struct.pack("=Q", length) + packets[0][8:]
    counts = vector.get("descriptors", [])
    counts += [0] * (len(packets) - len(counts))
    with open("/dev/null") as file:
        for index, packet in enumerate(packets):
            try:
                parent.send_packet(packet, *[file] * counts[index])
            except BrokenPipeError:
                assert index > 0, "it has refused what came before"
    # A message that is dropped goes on: it is broken once the socket ends.
    announced = struct.unpack_from("=Q", packets[0])[0] if len(packets[0]) > 8 else 0
    if vector.get("close") or LIMIT < announced < 64 * LIMIT:
        parent.sock.shutdown(socket.SHUT_WR)
    expected = vector.get("then", "replies")
    try:
        reply = parent.receive()
        kind = "answers" if getattr(reply, "tag", 0) == 1230000965 else "replies"
    except Closed:
        kind = "ends"
    if kind == "ends":
        assert echo.ended() > 0
    elif kind == "replies" and expected == "replies":
        assert is_meant(vector["meaning"], reply)
    if expected != "survives":
        assert kind == expected
    if kind != "ends":
        assert parent.ask({"do": "echo", "payload": "next"}) == "next"


def is_meant(meaning, value):
    if isinstance(meaning, dict) and "$int" in meaning:
        return type(value) is int and value == int(meaning["$int"])
    if isinstance(meaning, dict) and "$float" in meaning:
        expected = float(meaning["$float"])
        both_nan = math.isnan(expected) and math.isnan(value)
        return type(value) is float and (value == expected or both_nan)
    if isinstance(meaning, dict) and "$bytes" in meaning:
        return value == bytes.fromhex(meaning["$bytes"])
    if isinstance(meaning, dict):
        return meaning.keys() == value.keys() and all(
            is_meant(meaning[key], value[key]) for key in meaning
        )
    if isinstance(meaning, list):
        return len(meaning) == len(value) and all(map(is_meant, meaning, value))
    return type(meaning) is type(value) and meaning == value


@pytest.mark.parametrize("times, ends", [(63, False), (64, True)])
def test_from_64_times_the_limit_on_a_frame_is_broken(start, times, ends):
    parent = start(ECHO, invite=False, TINY_IPC_MAX_MESSAGE_SIZE="1000")
    length = times * 1000
    parent.send_packet(struct.pack("=Q", length) + b"\x7a")
    if ends:
        assert parent.is_closed()
        assert parent.exit_code() > 0
    else:
        parent.send_packet(b"x" * (length - 1))
        assert parent.receive().value["type"] == "MessageTooLarge"


def test_a_broken_frame_is_explained(start):
    parent = start(ECHO)
    parent.hello()
    parent.send_packet(b"12345")
    assert parent.is_closed()
    assert parent.exit_code() == 1
    assert "BrokenFrame: A message begins with a packet of 5 bytes" in parent.log()


def test_nothing_is_allocated_from_an_announced_length(start):
    parent = start(ECHO, invite=False)
    assert parent.ask({"do": "echo", "payload": 1}) == 1
    before = peak(parent)
    body = b"\x5b" + struct.pack(">Q", LIMIT - 9)
    parent.send_packet(struct.pack("=Q", LIMIT) + body)
    eventually(lambda: has_read_all(parent))
    assert peak(parent) - before < 4_000
    parent.sock.shutdown(socket.SHUT_WR)
    assert parent.exit_code() == 1


def has_read_all(parent):
    unread = array.array("i", [0])
    fcntl.ioctl(parent.sock, termios.TIOCOUTQ, unread)
    return unread[0] == 0


def peak(parent):
    """Of its memory, in KiB."""
    with open(f"/proc/{parent.process.pid}/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1])


def test_a_request_with_253_files_is_received(start):
    parent = start(
        """
        from tiny_ipc import App
        app = App()

        @app.handler()
        def count(request):
            return len(request.files)

        app.run()
        """
    )
    parent.hello()
    assert parent.ask(1) == 0
    before = parent.descriptors()
    with open("/dev/null") as file:
        assert parent.ask(1, *[file] * 253) == 253
    eventually(lambda: parent.descriptors() == before)


def test_descriptors_that_the_child_has_no_room_for_break_the_frame(start):
    parent = start(
        """
        import resource
        from tiny_ipc import App
        app = App()

        @app.handler()
        def count(request):
            return len(request.files)

        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
        app.run()
        """
    )
    parent.hello()
    with open("/dev/null") as file:
        parent.send(1, *[file] * 100)
    assert parent.is_closed()
    assert parent.exit_code() == 1
    assert "too many open files" in parent.log()
