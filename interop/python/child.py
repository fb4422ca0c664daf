"""A child of tiny-ipc in Python.

Build:  python3 -m venv venv && venv/bin/pip install -r requirements.txt
Run:    a parent starts it (`venv/bin/python child.py`) and names the socket in TINY_IPC_FD.
"""
import io
import os
import socket
import struct
import sys

import cbor2

LARGEST_PACKET, LARGEST_BODY = 512 * 1024, 16 * 1024 * 1024
PACKET = 64 * 1024
MOST_DESCRIPTORS = 253
ERROR_ITEM = 1230000965
HEADER = struct.Struct("=Q")


class BrokenFrame(Exception):
    """Nobody can tell any more where the next message begins."""


def receive(sock):
    """Returns the body of the next message and its descriptors, or None once the peer has closed."""
    packet, descriptors = receive_packet(sock)
    if not packet and not descriptors:
        return None
    if len(packet) <= HEADER.size:
        raise BrokenFrame(f"a message begins with a packet of {len(packet)} bytes")
    (length,) = HEADER.unpack_from(packet)
    if not 0 < length <= LARGEST_BODY:
        raise BrokenFrame(f"a body of {length} bytes was announced")
    body = bytearray(packet[HEADER.size:])
    while len(body) < length:
        packet, stray = receive_packet(sock)
        if not packet or stray:
            raise BrokenFrame("descriptors in the middle of a message" if stray else "the end in the middle of a message")
        body += packet
    if len(body) > length:
        raise BrokenFrame(f"a body of {length} bytes was announced, but {len(body)} came")
    return body, descriptors


def receive_packet(sock):
    packet, descriptors, flags, _ = socket.recv_fds(sock, LARGEST_PACKET, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        raise BrokenFrame("a packet was cut short")
    return packet, descriptors


def send(sock, item, *descriptors):
    """Sends one message; descriptors travel with its first packet, and stay the caller's."""
    body = cbor2.dumps(item)
    frame = memoryview(HEADER.pack(len(body)) + body)
    socket.send_fds(sock, [frame[:PACKET]], descriptors, socket.MSG_NOSIGNAL)
    for start in range(PACKET, len(frame), PACKET):
        sock.send(frame[start:start + PACKET], socket.MSG_NOSIGNAL)


def decode(body):
    stream = io.BytesIO(body)
    item = cbor2.load(stream)
    if stream.tell() < len(body):
        raise ValueError("the body is more than one CBOR item")
    return item


def answer(sock, body, descriptors):
    match decode(body):
        case {"do": "echo", "payload": payload}:
            send(sock, payload)
        case {"do": "sum", "numbers": numbers}:
            send(sock, sum(numbers))
        case {"do": "length"} if len(descriptors) == 1:
            send(sock, os.fstat(descriptors[0]).st_size)
        case {"do": "memory", "text": str(text)}:
            memory = os.memfd_create("text")
            try:
                send(sock, os.pwrite(memory, text.encode(), 0), memory)
            finally:
                os.close(memory)
        case {"do": "fail", "message": message}:
            raise Failure(message)
        case unknown:
            raise ValueError(f"no request that this child knows: {str(unknown)[:200]}")


class Failure(Exception):
    pass


def main():
    parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
    while message := receive(parent):
        body, descriptors = message
        try:
            answer(parent, body, descriptors)
        except OSError:
            raise
        except Exception as error:
            send(parent, cbor2.CBORTag(ERROR_ITEM, {"type": type(error).__name__, "message": str(error)}))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


if __name__ == "__main__":
    try:
        main()
    except (BrokenFrame, OSError) as error:
        sys.exit(f"child: {error}")
