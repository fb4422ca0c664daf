"""The messages of docs/wire-format.md, as bodies: envelopes, elements, error items, hello."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import cbor
from .errors import MalformedBody, RemoteError

ERROR_ITEM = 1230000965
ENVELOPE = 1230000966
ELEMENT = 1230000967
END = 1230000968
CANCEL = 1230000969
HELLO = 1230000970
ELEMENTS = 1230000971
READ = 1230000973

ELEMENTS_HEADER = "elements"
"""Has the bytes of the largest message with several elements that the peer takes."""

LONGEST_TEXT = 16_384
"""Characters of the type and of the message of an error item."""

LAST_SIGNAL = 64
"""SIGRTMAX of signal(7)."""

NULL_BODY = b"\xf6"
END_BODY = cbor.head(cbor.TAG, END) + NULL_BODY
CANCEL_BODY = cbor.head(cbor.TAG, CANCEL) + NULL_BODY
ELEMENT_HEAD = cbor.head(cbor.TAG, ELEMENT)
ELEMENTS_HEAD = cbor.head(cbor.TAG, ELEMENTS)
_LONGEST_CANCEL = (cbor.MAX_TAGS * 9) + 1

_KINDS = {
    ERROR_ITEM: "error",
    ELEMENT: "element",
    END: "end",
    CANCEL: "cancel",
    HELLO: "hello",
}


@dataclasses.dataclass(frozen=True)
class Body:
    """A body that has been looked over, but whose payload has not been read."""

    kind: str
    """``value``, or one of the kinds that have a tag of their own."""

    content: bytes
    """The item behind the tag of the kind."""

    number: int | None = None
    """Of the envelope."""

    method: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def payload(self, tag_hook: Callable[..., Any] | None = None) -> Any:
        return cbor.decode_checked(self.content, tag_hook)

    def error(self) -> RemoteError:
        """What an error item says."""
        item = self.payload()
        if isinstance(item, dict):
            type, message = item.get("type"), item.get("message")
            if isinstance(type, str) and isinstance(message, str):
                return RemoteError(type[:LONGEST_TEXT], message[:LONGEST_TEXT])
        return RemoteError("unknown", "the error item is malformed: it has no two texts")


def parse(body: bytes, max_items: int) -> Body:
    """Looks a body over, and tells what it is."""
    tags = cbor.read_tags(body, 0)
    ours = [tag for tag, _ in tags if tag == ENVELOPE or tag in _KINDS]
    if ours and ours[0] == ENVELOPE and ERROR_ITEM not in ours:
        return _open(body, _behind(ENVELOPE, tags), max_items)
    cbor.check(body, max_items)
    return _classify(body, tags)


def _behind(tag: int, tags: Sequence[tuple[int, int]]) -> int:
    return next(behind for other, behind in tags if other == tag)


def _classify(
    item: bytes,
    tags: Sequence[tuple[int, int]],
    number: int | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Body:
    kind, content = "value", item
    for tag, behind in tags:
        if tag == ERROR_ITEM or (tag in _KINDS and kind == "value"):
            kind, content = _KINDS[tag], item[behind:]
    if kind in ("end", "cancel") and content != NULL_BODY:
        raise MalformedBody(f"The tag of the {kind} is around something else than null")
    return Body(kind, content, number, method, headers or {})


def _open(body: bytes, at: int, max_items: int) -> Body:
    walk = cbor.Walk(body, max_items)
    walk.count(1)
    entries = {key: body[start:end] for key, start, end in _entries(walk, at) if end is not None}
    if "payload" not in entries:
        raise MalformedBody("An envelope has no payload")
    number = method = None
    headers: Mapping[str, str] = {}
    if "id" in entries:
        number = _number(entries["id"])
    if "method" in entries:
        method = cbor.decode_checked(entries["method"])
        if not isinstance(method, str):
            raise MalformedBody("The method of an envelope is not a text")
    if "headers" in entries:
        headers = cbor.decode_checked(entries["headers"])
        if not isinstance(headers, dict) or not all(
            isinstance(name, str) and isinstance(value, str) for name, value in headers.items()
        ):
            raise MalformedBody("The headers of an envelope are not a map of texts to texts")
    payload = entries["payload"]
    return _classify(payload, cbor.read_tags(payload, 0), number, method, headers)


def _entries(walk: cbor.Walk, at: int) -> Iterator[tuple[Any, int, int | None]]:
    """Yields the keys of the envelope's map with the beginnings of their values, and again with
    their ends, once those were looked over."""
    body = walk.body
    major, left, at = cbor.read_head(body, at)
    if major != cbor.MAP:
        raise MalformedBody("The tag of an envelope is around something else than a map")
    if left > len(body):
        raise MalformedBody("It ends before its data item does")
    seen = set()
    while left:
        if left < 0 and at < len(body) and body[at] == cbor.BREAK:
            at += 1
            break
        left -= left > 0
        at, key = walk.key(at)
        walk.count(1)
        if key in seen:
            raise MalformedBody(f"An envelope has the key {str(key)[:100]!r} twice")
        seen.add(key)
        yield key, at, None
        start, at = at, walk.item(at)
        yield key, start, at
    if at < len(body):
        raise MalformedBody(f"{at} bytes are an item, and {len(body) - at} more follow it")


def _number(item: bytes) -> int:
    major, number, end = cbor.read_head(item, 0)
    if major != cbor.UNSIGNED or end != len(item):
        raise MalformedBody("The id of an envelope is not an unsigned number of 64 bits")
    return number


def read_part(part: bytes) -> tuple[int | None, bool]:
    """Of a message of which only the first part is there: the number of its envelope, if that is
    in there, and whether it is an element of a stream, as far as one can see."""
    number, is_element = None, False
    try:
        tags = cbor.read_tags(part, 0)
        kinds = [tag for tag, _ in tags]
        is_element = ELEMENT in kinds
        if ENVELOPE in kinds:
            for key, start, end in _entries(cbor.Walk(part, len(part)), _behind(ENVELOPE, tags)):
                if key == "payload":
                    is_element = any(tag == ELEMENT for tag, _ in cbor.read_tags(part, start))
                if key == "id" and end is not None:
                    number = _number(part[start:end])
    except (MalformedBody, IndexError):
        pass  # the rest is behind the first part
    return number, is_element


def is_cancel(body: bytes) -> bool:
    """Whether a body is a cancel; whoever asks has not looked it over."""
    if len(body) > _LONGEST_CANCEL or body[-1:] != NULL_BODY:
        return False
    try:
        tags = cbor.read_tags(body, 0)
    except MalformedBody:
        return False
    return any(tag == CANCEL and body[at:] == NULL_BODY for tag, at in tags)


def elements_read(body: bytes) -> int | None:
    """How many messages with elements were read, if a body is a *read*: 0 if that is malformed,
    and None if it is something else. Whoever asks has not looked it over."""
    at = 0
    for _ in range(cbor.MAX_TAGS):
        try:
            major, tag, at = cbor.read_head(body, at)
        except MalformedBody:
            return None
        if major != cbor.TAG or tag == ENVELOPE or tag in _KINDS:
            return None
        if tag == READ:
            return _count(body, at)
    return None


def _count(body: bytes, at: int) -> int:
    try:
        major, count, end = cbor.read_head(body, at)
    except MalformedBody:
        return 0
    return count if major == cbor.UNSIGNED and end == len(body) else 0


def envelope_head(
    number: int | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """An envelope up to its payload, which must follow."""
    parts = []
    if number is not None:
        parts.append(cbor.text("id") + cbor.head(cbor.UNSIGNED, number))
    if method is not None:
        parts.append(cbor.text("method") + cbor.text(method))
    if headers:
        entries = (cbor.text(name) + cbor.text(value) for name, value in headers.items())
        content = cbor.head(cbor.MAP, len(headers)) + b"".join(entries)
        parts.append(cbor.text("headers") + content)
    map_head = cbor.head(cbor.MAP, len(parts) + 1)
    return cbor.head(cbor.TAG, ENVELOPE) + map_head + b"".join(parts) + cbor.text("payload")


def error_body(type: str, message: str) -> bytes:
    return b"".join(
        (
            cbor.head(cbor.TAG, ERROR_ITEM),
            cbor.head(cbor.MAP, 2),
            cbor.text("type") + cbor.text(type[:LONGEST_TEXT]),
            cbor.text("message") + cbor.text(message[:LONGEST_TEXT]),
        )
    )


@dataclasses.dataclass(frozen=True)
class Hello:
    """What a child says about itself; what it leaves out is not promised."""

    protocol: int = 1
    ready: bool = True
    envelope: bool = False
    cancel: bool = False
    lanes: int = 1
    methods: tuple[str, ...] | None = None
    """``None`` if the child does not say; the empty text is for requests without a method."""

    max_message_size: int | None = None
    stack_signal: int | None = None
    """The signal on which it prints the stacks of its threads, and goes on."""

    blocks: int | None = None
    """How many bytes of a request it accepts in blocks."""

    def body(self) -> bytes:
        item = {
            "protocol": self.protocol,
            "ready": self.ready,
            "envelope": self.envelope,
            "cancel": self.cancel,
            "lanes": self.lanes,
        }
        if self.methods is not None:
            item["methods"] = list(self.methods)  # type: ignore[assignment]
        if self.max_message_size is not None:
            item["maxMessageSize"] = self.max_message_size
        if self.stack_signal is not None:
            item["stackSignal"] = self.stack_signal
        if self.blocks is not None:
            item["blocks"] = self.blocks
        return cbor.head(cbor.TAG, HELLO) + cbor.encode(item)

    @staticmethod
    def read(item: Any) -> Hello:
        """Reads the map under the tag."""
        if not isinstance(item, dict):
            raise MalformedBody("The hello is not a map")

        def value(key: str, kind: type, default: Any) -> Any:
            found = item.get(key, default)
            if key in item and type(found) is not kind:  # True is an int, too
                raise MalformedBody(f"The key {key!r} of the hello has a value of the wrong kind")
            return found

        methods = value("methods", list, None)
        if methods is not None and not all(isinstance(method, str) for method in methods):
            raise MalformedBody("The methods of the hello are not texts")
        lanes, size = value("lanes", int, 1), value("maxMessageSize", int, None)
        blocks = value("blocks", int, None)
        if lanes < 1 or any(number is not None and number < 1 for number in (size, blocks)):
            raise MalformedBody("A number of the hello is less than 1")
        stack_signal = value("stackSignal", int, None)
        if stack_signal is not None and not 1 <= stack_signal <= LAST_SIGNAL:
            raise MalformedBody(f"The stackSignal is no signal from 1 to {LAST_SIGNAL}")
        return Hello(
            protocol=value("protocol", int, 1),
            ready=value("ready", bool, True),
            envelope=value("envelope", bool, False),
            cancel=value("cancel", bool, False),
            lanes=lanes,
            methods=None if methods is None else tuple(methods),
            max_message_size=size,
            stack_signal=stack_signal,
            blocks=blocks,
        )
