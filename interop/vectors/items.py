"""What messages are made of, by hand."""
import struct


def head(major, value, size=None):
    """The head of an item: as short as possible, or with so many bytes behind the first."""
    if size is None:
        size = 0 if value < 24 else next(s for s in (1, 2, 4, 8) if value < 1 << 8 * s)
    info = value if size == 0 else {1: 24, 2: 25, 4: 26, 8: 27}[size]
    return bytes([major << 5 | info]) + (value.to_bytes(size, "big") if size else b"")


def text(value):
    return head(3, len(value.encode())) + value.encode()


def integer(value):
    return head(0, value) if value >= 0 else head(1, -1 - value)


def echo(payload):
    return head(5, 2) + text("do") + text("echo") + text("payload") + payload


def frame(body, announced=None):
    return struct.pack("<Q", len(body) if announced is None else announced) + body


def split(data, *sizes):
    """The first parts of these sizes; the last size for all that follows."""
    parts = []
    while data:
        size = sizes[min(len(parts), len(sizes) - 1)]
        parts.append(data[:size])
        data = data[size:]
    return parts


def tag(number, content, size=None):
    return head(6, number, size) + content


def pairs(*entries, size=None):
    """A map of keys, which are texts, to encoded items."""
    return head(5, len(entries), size) + b"".join(text(key) + value for key, value in entries)
