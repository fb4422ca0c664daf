"""CBOR from a peer that is not trusted, and to a peer that is Jackson.

A body is looked over before cbor2 reads it: cbor2 believes lengths, needs long for some
tags, follows references, and lets duplicate keys pass.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable
from typing import Any

import cbor2

from .errors import MalformedBody

MAX_DEPTH = 500
MAX_TAGS = 8
MAX_EXPONENT = 1000
MAX_BIGNUM = 1024
"""Bytes. Longer numbers take longer than linear time in decimal."""

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
INDEFINITE = 31
BREAK = 0xFF

_BIGNUMS = (2, 3)
_WITH_EXPONENT = (4, 5)
_SET = 258
_REFUSED_TAGS = {
    25: "a reference",
    28: "a shared value",
    29: "a reference",
    35: "a regular expression",
    36: "a MIME message",
    256: "a namespace of references",
}


def _plain_sizes() -> bytes:
    """By its first byte, the size of an item that needs no further look, or 0."""
    sizes = bytearray(256)
    for major in (UNSIGNED, NEGATIVE):
        for info in range(24):
            sizes[major << 5 | info] = 1
        for info, size in ((24, 2), (25, 3), (26, 5), (27, 9)):
            sizes[major << 5 | info] = size
    for major in (BYTES, TEXT):
        for info in range(24):
            sizes[major << 5 | info] = 1 + info
    for info in range(24):
        sizes[SIMPLE << 5 | info] = 1
    for info, size in ((25, 3), (26, 5), (27, 9)):
        sizes[SIMPLE << 5 | info] = size
    return bytes(sizes)


_PLAIN_SIZES = _plain_sizes()


def head(major: int, argument: int) -> bytes:
    """The head of an item, as short as possible."""
    if argument < 24:
        return bytes((major << 5 | argument,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes((major << 5 | info,)) + argument.to_bytes(size, "big")
    raise ValueError(f"{argument} needs more than 64 bits")


def text(value: str) -> bytes:
    """A text item. Surrogates, which UTF-8 does not have, become question marks."""
    content = value.encode("utf-8", "replace")
    return head(TEXT, len(content)) + content


def read_head(body: bytes, at: int) -> tuple[int, int, int]:
    """Returns the major type, the argument (-1 if indefinite) and the place behind the head."""
    if at >= len(body):
        raise _ends_early()
    major, info = body[at] >> 5, body[at] & 31
    if info < 24:
        return major, info, at + 1
    if info == INDEFINITE and major in (BYTES, TEXT, ARRAY, MAP):
        return major, -1, at + 1
    if info > 27:
        raise MalformedBody(f"A data item cannot begin with the byte 0x{body[at]:02x}")
    end = at + 1 + (1 << info - 24)
    if end > len(body):
        raise _ends_early()
    return major, int.from_bytes(body[at + 1 : end], "big"), end


def read_tags(body: bytes, at: int) -> list[tuple[int, int]]:
    """Returns the tags around the item, outermost first, each with the place behind its head."""
    tags = []
    while at < len(body) and body[at] >> 5 == TAG:
        _, tag, at = read_head(body, at)
        tags.append((tag, at))
        if len(tags) > MAX_TAGS:
            raise MalformedBody(f"There are more than {MAX_TAGS} tags around one item")
    return tags


class Walk:
    """A look over the items of one body, which counts them."""

    def __init__(self, body: bytes, max_items: int) -> None:
        self.body = body
        self.max_items = max_items
        self.items = 0
        self.high_bignums: list[tuple[int, int, int]] = []
        """Heads, contents and ends of bignums whose first bit is 1."""

    def count(self, items: int) -> None:
        self.items += items
        if self.items > self.max_items:
            raise MalformedBody(f"It has more than {self.max_items} data items")

    def item(self, at: int) -> int:
        """Returns the place behind the item that begins at a place."""
        body, sizes = self.body, _PLAIN_SIZES
        stack: list[tuple[int, set[Any] | None]] = []
        left = 1  # items or entries, or -1 until there is a break
        keys: set[Any] | None = None  # those of the map that we are in
        self.count(1)
        try:
            while True:
                if left == 0:
                    if not stack:
                        break
                    left, keys = stack.pop()
                    continue
                if left > 0:
                    left -= 1
                elif body[at] == BREAK:
                    at += 1
                    left, keys = stack.pop()
                    continue
                else:
                    self.count(1 if keys is None else 2)
                if keys is not None:
                    at, key = self.key(at)
                    if key in keys:
                        raise MalformedBody(f"A map has the key {str(key)[:100]!r} twice")
                    keys.add(key)
                size = sizes[body[at]]
                if size:
                    at += size
                    if keys is None:
                        while left > 0:
                            size = sizes[body[at]]
                            if not size:
                                break
                            at += size
                            left -= 1
                    continue
                major, argument, at = self.special(at)
                if major < ARRAY or major > MAP:
                    continue
                if len(stack) >= MAX_DEPTH:
                    raise MalformedBody(f"It is nested more than {MAX_DEPTH} deep")
                stack.append((left, keys))
                left, keys = argument, (None if major == ARRAY else set())
        except IndexError:
            raise _ends_early() from None
        if at > len(body):
            raise _ends_early()
        return at

    def key(self, at: int) -> tuple[int, Any]:
        """Returns the place behind a key, and the key. Only plain items can be keys here:
        arrays that are equal in hash, but not in value, are easy to make."""
        body = self.body
        major, argument, content = read_head(body, at)
        if major == TEXT and argument >= 0:
            end = content + argument
            if end > len(body):
                raise _ends_early()
            try:
                return end, body[content:end].decode("utf-8")
            except UnicodeDecodeError:
                raise MalformedBody("A text is not UTF-8") from None
        if major in (UNSIGNED, NEGATIVE):
            if argument >= 1 << 63:
                raise MalformedBody("A map has a number as a key that is not within 64 bits")
            return content, argument if major == UNSIGNED else -1 - argument
        if major in (ARRAY, MAP, TAG):
            raise MalformedBody("A map has a key that is an array, a map or a tagged item")
        end = self.special(at)[2] if not _PLAIN_SIZES[body[at]] else at + _PLAIN_SIZES[body[at]]
        if end > len(body):
            raise _ends_early()
        return end, _loads(body[at:end])

    def special(self, at: int) -> tuple[int, int, int]:
        """Checks an item that is not plain, and returns its type, its number of items or
        entries, and the place behind its content, or behind its head if that is items."""
        tags = [tag for tag, _ in read_tags(self.body, at)] if self.body[at] >> 5 == TAG else []
        if tags:
            at = read_tags(self.body, at)[-1][1]
            for tag in tags:
                if tag in _REFUSED_TAGS:
                    raise MalformedBody(f"Tag {tag} is not accepted: {_REFUSED_TAGS[tag]}")
        major, argument, content = read_head(self.body, at)
        if major in (BYTES, TEXT):
            end = self.string(major, argument, content)
            if any(tag in _BIGNUMS for tag in tags):
                self.bignum(at, argument, content, end)
            return major, argument, end
        if major in (ARRAY, MAP):
            if argument >= 0:
                items = argument * (1 if major == ARRAY else 2)
                if items > len(self.body) - content:
                    raise _ends_early()
                self.count(items)
            if any(tag in _WITH_EXPONENT for tag in tags):
                self.exponent(content)
            if _SET in tags and major == ARRAY:
                return SIMPLE, 0, self.members(argument, content)
        elif major == SIMPLE and self.body[at] == 0xF8 and argument < 32:
            raise MalformedBody("A simple value is written in two bytes that must be in one")
        return major, argument, content

    def string(self, major: int, length: int, at: int) -> int:
        if length >= 0:
            if length > len(self.body) - at:
                raise _ends_early()
            return at + length
        while self.body[at] != BREAK:
            self.count(1)
            part, length, at = read_head(self.body, at)
            if part != major or length < 0:
                raise MalformedBody("A string has a part that is no string of the same type")
            if length > len(self.body) - at:
                raise _ends_early()
            at += length
        return at + 1

    def bignum(self, at: int, length: int, content: int, end: int) -> None:
        if length < 0 or length > MAX_BIGNUM:
            raise MalformedBody(f"A bignum is in parts, or has more than {MAX_BIGNUM} bytes")
        if length and self.body[content] > 0x7F:
            self.high_bignums.append((at, content, end))

    def exponent(self, at: int) -> None:
        major, argument, _ = read_head(self.body, at)
        value = argument if major == UNSIGNED else -1 - argument
        if major > NEGATIVE or abs(value) > MAX_EXPONENT:
            raise MalformedBody(
                f"A number has an exponent that is not within -{MAX_EXPONENT} and {MAX_EXPONENT}"
            )

    def members(self, count: int, at: int) -> int:
        """Those of a set are hashed, as keys are."""
        while count:
            if count < 0 and self.body[at] == BREAK:
                return at + 1
            if count < 0:
                self.count(1)
            at, _ = self.key(at)
            count -= count > 0
        return at


def _ends_early() -> MalformedBody:
    return MalformedBody("It ends before its data item does")


def check(body: bytes, max_items: int) -> None:
    """Makes sure that a body is exactly one item that cbor2 can read safely."""
    end = Walk(body, max_items).item(0)
    if end < len(body):
        raise MalformedBody(f"{end} bytes are an item, and {len(body) - end} more follow it")


_OPTIONS: dict[str, Any] = {}
_ENCODE_OPTIONS: dict[str, Any] = {}
try:
    cbor2.loads(b"\xf6", max_depth=MAX_DEPTH * MAX_TAGS)
    _OPTIONS["max_depth"] = MAX_DEPTH * MAX_TAGS
except TypeError:
    pass  # before 5.9 there was no such limit


def _loads(body: bytes, tag_hook: Callable[..., Any] | None = None) -> Any:
    try:
        if tag_hook is not None:
            return cbor2.loads(body, tag_hook=tag_hook, **_OPTIONS)
        return cbor2.loads(body, **_OPTIONS)
    except Exception as error:  # whatever its decoders of tags raise
        if isinstance(error, MalformedBody) or isinstance(error.__cause__, MalformedBody):
            raise error.__cause__ or error from None
        raise MalformedBody(f"It cannot be read: {error}") from error


def decode_checked(body: bytes, tag_hook: Callable[..., Any] | None = None) -> Any:
    """Reads an item that has been looked over."""
    return _loads(body, tag_hook)


def decode(body: bytes, max_items: int) -> Any:
    check(body, max_items)
    return _loads(body)


def _convert(encoder: Any, value: Any) -> None:
    """Encodes what cbor2 does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        encoder.encode({field.name: getattr(value, field.name) for field in fields})
    elif isinstance(value, enum.Enum):
        encoder.encode(value.value)
    elif isinstance(value, memoryview):
        _convert_view(encoder, value)
    elif type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        encoder.encode(value.item())
    elif type(value).__module__ == "numpy":
        raise TypeError(
            "A NumPy array is no CBOR item. Send its bytes (array.tobytes()), a list"
            " (array.tolist()), or shared memory: Reply(value, files=[memory(array)])"
        )
    else:
        kind = type(value)
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be written as CBOR")


def _convert_view(encoder: Any, value: memoryview) -> None:
    encoder.encode(value.tobytes())


try:
    cbor2.dumps(None, encoders={memoryview: _convert_view})
    _ENCODE_OPTIONS["encoders"] = {memoryview: _convert_view}  # and not an array of numbers
except TypeError:
    pass  # before 6.0 it is left to _convert

_MAYBE_HIGH_BIGNUM = re.compile(rb"[\xc2\xc3](?:[\x41-\x57]|\x58.|\x59..)[\x80-\xff]", re.DOTALL)


def encode(value: Any) -> bytes:
    try:
        body: bytes = cbor2.dumps(value, default=_convert, **_ENCODE_OPTIONS)
    except Exception as error:
        cause = error.__cause__ if isinstance(error.__cause__, TypeError) else error
        raise TypeError(f"The value cannot be written as CBOR: {cause}") from error
    return _pad_bignums(body) if _MAYBE_HIGH_BIGNUM.search(body) else body


def _pad_bignums(body: bytes) -> bytes:
    """Puts a zero before bignums that Jackson would take for negative."""
    walk = Walk(body, len(body))
    try:
        walk.item(0)
    except MalformedBody:
        return body  # fine for cbor2, and the receiver will say what it thinks of it
    parts: list[bytes] = []
    copied = 0
    for start, content, end in walk.high_bignums:
        parts += (body[copied:start], head(BYTES, end - content + 1), b"\0", body[content:end])
        copied = end
    return b"".join((*parts, body[copied:]))
