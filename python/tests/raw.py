"""A parent that knows the wire format only: it uses no code of the package, but checks it."""

import array
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping

import cbor2

ERROR_ITEM, ENVELOPE, ELEMENT, END, CANCEL, HELLO, ELEMENTS = range(1230000965, 1230000972)
READ = 1230000973
HEADER = struct.Struct("=Q")
PATIENCE = 30
"""Seconds after which something that should happen is known not to happen."""


class Closed(Exception):
    """The other end has closed its socket."""


class Refused(Exception):
    """There is no further lane."""


def tagged(tag, value):
    return cbor2.CBORTag(tag, value)


def envelope(payload, **entries):
    return tagged(ENVELOPE, {**entries, "payload": payload})


def loads(body):
    return _mutable(cbor2.loads(body))


def _mutable(item):
    """What is inside a tag is immutable for cbor2 6."""
    if isinstance(item, cbor2.CBORTag):
        return cbor2.CBORTag(item.tag, _mutable(item.value))
    if isinstance(item, Mapping):
        return {key: _mutable(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [_mutable(value) for value in item]
    return item


class RawSocket:
    def __init__(self, sock):
        self.sock = sock

    def send(self, item, *files):
        self.send_body(cbor2.dumps(item), *files)

    def send_body(self, body, *files):
        frame = HEADER.pack(len(body)) + body
        self.send_packet(frame[:65536], *files)
        for start in range(65536, len(frame), 65536):
            self.send_packet(frame[start : start + 65536])

    def send_packet(self, packet, *files):
        control = []
        if files:
            numbers = [file if isinstance(file, int) else file.fileno() for file in files]
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", numbers))]
        self.sock.sendmsg([packet], control, socket.MSG_NOSIGNAL)

    def receive_body(self):
        """Returns the body and the descriptors of the next message."""
        packet, files = self._receive_packet()
        if not packet:
            raise Closed
        (length,) = HEADER.unpack_from(packet)
        body = packet[8:]
        while len(body) < length:
            packet, more = self._receive_packet()
            assert packet and not more
            body += packet
        assert len(body) == length
        return body, files

    def _receive_packet(self):
        if not select.select([self.sock], [], [], PATIENCE)[0]:
            raise AssertionError("There is nothing to receive")
        packet, control, flags, _ = self.sock.recvmsg(1 << 19, 1032, socket.MSG_CMSG_CLOEXEC)
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        files = array.array("i")
        for _, _, data in control:
            files.frombytes(data)
        return packet, list(files)

    def receive(self):
        body, files = self.receive_body()
        assert not files, "nobody expected descriptors"
        return loads(body)

    def ask(self, item, *files):
        self.send(item, *files)
        return self.receive()

    def is_silent(self):
        return not select.select([self.sock], [], [], 0)[0]

    def is_closed(self):
        """Whether the other end closes its socket."""
        try:
            self.receive_body()
        except (Closed, ConnectionResetError):
            return True
        return False

    def close(self):
        self.sock.close()


class RawParent(RawSocket):
    """Starts a Python script as a child."""

    def __init__(self, script, folder, invite=True, **environment):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours)
        self.calls = None
        self.stderr = folder / "stderr"
        outside = {name: value for name, value in os.environ.items() if not name.startswith("TINY_IPC_")}
        variables = {**outside, "TINY_IPC_FD": str(theirs.fileno()), **environment}
        if invite:
            variables["TINY_IPC_HELLO"] = "1"
        path = folder / "child.py"
        path.write_text(script)
        with theirs, self.stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(path)],
                env=variables,
                pass_fds=[theirs.fileno()],
                stderr=stderr,
            )

    def hello(self):
        """Receives the hello, and the socket for calls of the child."""
        body, files = self.receive_body()
        hello = loads(body)
        assert hello.tag == HELLO
        (number,) = files
        self.calls = RawSocket(socket.socket(fileno=number))
        return hello.value

    def open_lane(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            reply = self.ask(None, theirs)
        if reply is not None:
            ours.close()
            raise Refused(reply.value["type"])
        return RawSocket(ours)

    def exit_code(self):
        return self.process.wait(PATIENCE)

    def end(self):
        """Closes the socket as parents do, and returns the exit code of the child."""
        self.close()
        return self.exit_code()

    def log(self):
        return self.stderr.read_text()

    def descriptors(self):
        return sorted(int(name) for name in os.listdir(f"/proc/{self.process.pid}/fd"))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def clean_up(self):
        self.close()
        if self.calls is not None:
            self.calls.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def next_call(sock):
    """Receives a call in an envelope, and returns its number and the rest."""
    item = sock.receive()
    assert item.tag == ENVELOPE
    return item.value["id"], item.value


def refuse_lanes(sock):
    """Answers the request for a further lane with an error item."""
    body, files = sock.receive_body()
    assert (body, len(files)) == (b"\xf6", 1)
    socket.socket(fileno=files[0]).close()
    sock.send(tagged(ERROR_ITEM, {"type": "NoLane", "message": "enough"}))


def accept_lane(sock):
    body, files = sock.receive_body()
    assert (body, len(files)) == (b"\xf6", 1)
    sock.send(None)
    return RawSocket(socket.socket(fileno=files[0]))


def answer(sock, number, payload, *files):
    sock.send(envelope(payload, id=number), *files)
