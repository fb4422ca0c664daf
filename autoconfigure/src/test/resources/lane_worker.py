"""A child without a library that has lanes, and breaks its word in the ways that its first argument names.

It answers "who" with its process id and "lanes" with the most sockets that it ever had. What else a request
says is done first, as in raw_worker.py.
"""
import os
import re
import socket
import struct
import sys
import threading
import time

faults = set(sys.argv[1].split(","))
first = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
lock = threading.Lock()
sockets = most = 1


def has(fault):
    return fault in faults


def head(major, number):
    for width, code, size in ((">B", 24, 1 << 8), (">H", 25, 1 << 16), (">I", 26, 1 << 32), (">Q", 27, 1 << 64)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < size:
            return bytes([major << 5 | code]) + struct.pack(width, number)


def text(value):
    return head(3, len(value)) + value.encode()


def tag(number, content):
    return head(6, number) + content


def frame(body):
    return struct.pack("=Q", len(body)) + body


def envelope(number, payload):
    return frame(tag(1230000966, head(5, 2) + text("id") + head(0, number) + text("payload") + payload))


def number_of(packet):
    at = packet.index(b"\x62id") + 3
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(packet[at])
    return int.from_bytes(packet[at + 1:at + 1 + width], "big") if width else packet[at]


def asked(packet, word):
    found = re.search(word.encode() + rb" ([0-9.]+)", packet)
    return float(found.group(1)) if found else None


def agree(sock, descriptors):
    global sockets, most
    with lock:
        sockets += 1
        most = max(most, sockets)
    if has("agrees-slowly"):
        time.sleep(0.1)
    if has("agrees-by-value"):
        sock.send(frame(head(0, 1)))
    elif has("agrees-by-nonsense"):
        sock.send(frame(b"\xff"))
    elif has("agrees-by-element"):
        sock.send(frame(tag(1230000967, head(0, 1))))
    elif not has("never-agrees"):
        threading.Thread(target=serve, args=(socket.socket(fileno=descriptors[0]),), daemon=True).start()
        sock.send(frame(b"\xf6"))


def serve(sock):
    global sockets
    try:
        while True:
            packet, descriptors, _, _ = socket.recv_fds(sock, 1 << 19, 253)
            if not packet or asked(packet, "leave"):
                return
            (size,) = struct.unpack_from("=Q", packet)
            missing = size + 8 - len(packet)
            while missing > 0:
                if has("reads-slowly"):
                    time.sleep(0.2)
                part = len(sock.recv(1 << 19))
                if part == 0:
                    return
                missing -= part
            if packet[8:] == b"\xf6":
                agree(sock, descriptors)
            elif not packet[8:].startswith(tag(1230000969, b"")):  # a cancel is ignored
                answer(sock, packet)
    except OSError:
        pass
    finally:
        sock.close()
        with lock:
            sockets -= 1


def answer(sock, packet):
    number = number_of(packet)
    if asked(packet, "sleep"):
        time.sleep(asked(packet, "sleep"))
    if asked(packet, "endless"):
        element = envelope(number, tag(1230000967, head(0, 1)))
        while True:
            sock.send(element)
    if asked(packet, "stream"):
        for i in range(int(asked(packet, "stream"))):
            sock.send(envelope(number, tag(1230000967, head(0, i))))
            time.sleep(0.05)
        sock.send(envelope(number, tag(1230000968, b"\xf6")))
        return
    sock.send(envelope(number, head(0, most if b"\x65lanes" in packet else os.getpid())))


first.send(frame(tag(1230000970, head(5, 3) + text("envelope") + b"\xf5" + text("cancel") + b"\xf5" + text("lanes")
                     + head(0, int(os.environ.get("LANES", "1"))))))
serve(first)
os._exit(0)
