"""A child of tiny-ipc in Python.

Build:  python3 -m venv venv && venv/bin/pip install -r requirements.txt
Run:    a parent starts it (`venv/bin/python child.py`) and names the socket in TINY_IPC_FD.
"""
import collections.abc
import functools
import io
import os
import socket
import struct
import sys

import cbor2

LARGEST_PACKET, LARGEST_BODY = 512 * 1024, 16 * 1024 * 1024
PACKET = 64 * 1024
MOST_DESCRIPTORS = 253
ERROR_ITEM, ENVELOPE, ELEMENT, END = 1230000965, 1230000966, 1230000967, 1230000968
HELLO = 1230000970
METHODS = ["", "echo", "sum", "length", "memory", "fail", "stream"]
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


def serve(sock, body, descriptors, opens_envelopes):
    """Answers one request. One in an envelope with a number is answered in envelopes with that number."""
    reply = functools.partial(send, sock)
    try:
        request = decode(body)
        if opens_envelopes and isinstance(request, cbor2.CBORTag) and request.tag == ENVELOPE:
            envelope = checked(request.value)
            request = envelope["payload"]
            if "id" in envelope:
                reply = functools.partial(send_in_envelope, sock, envelope["id"])
            if "method" in envelope:
                request = {**request, "do": envelope["method"]}
        answer(reply, request, descriptors)
    except OSError:
        raise
    except Exception as error:
        reply(cbor2.CBORTag(ERROR_ITEM, {"type": type(error).__name__, "message": str(error)}))


def send_in_envelope(sock, number, item, *descriptors):
    send(sock, cbor2.CBORTag(ENVELOPE, {"id": number, "payload": item}), *descriptors)


def checked(envelope):
    """Returns the envelope if it is well-formed. Nothing of any other can be relied on, not even its number."""
    if not is_map(envelope) or "payload" not in envelope:
        raise ValueError("an envelope is a map with a payload")
    number, method, headers = envelope.get("id", 0), envelope.get("method", ""), envelope.get("headers", {})
    if type(number) is not int or not 0 <= number < 1 << 64:
        raise ValueError("the id of an envelope is an unsigned number of 64 bits")
    if not isinstance(method, str):
        raise ValueError("the method of an envelope is a text")
    if not is_map(headers) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise ValueError("the headers of an envelope are a map of texts to texts")
    return envelope


def is_map(item):
    return isinstance(item, collections.abc.Mapping)  # cbor2 has another type than dict inside of tags


def answer(reply, request, descriptors):
    match request:
        case {"do": "echo", "payload": payload}:
            reply(payload)
        case {"do": "sum", "numbers": numbers}:
            reply(sum(numbers))
        case {"do": "length"} if len(descriptors) == 1:
            reply(os.fstat(descriptors[0]).st_size)
        case {"do": "memory", "text": str(text)}:
            memory = os.memfd_create("text")
            try:
                reply(os.pwrite(memory, text.encode(), 0), memory)
            finally:
                os.close(memory)
        case {"do": "fail", "message": message}:
            raise Failure(message)
        case {"do": "stream", "count": int(count), **options}:
            for number in range(count):
                if number == options.get("failAt"):
                    raise Failure(f"no element {number}")
                reply(cbor2.CBORTag(ELEMENT, number))
            reply(cbor2.CBORTag(END, None))
        case unknown:
            raise ValueError(f"no request that this child knows: {str(unknown)[:200]}")


class Failure(Exception):
    pass


def main():
    parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
    invited = os.environ.get("TINY_IPC_HELLO") == "1"
    if invited:
        send(parent, cbor2.CBORTag(HELLO, {"protocol": 2, "envelope": True, "methods": METHODS}))
    while message := receive(parent):
        body, descriptors = message
        try:
            serve(parent, body, descriptors, invited)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


if __name__ == "__main__":
    try:
        main()
    except (BrokenFrame, OSError) as error:
        sys.exit(f"child: {error}")
