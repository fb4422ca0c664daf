"""Makes manifest.json: messages byte by byte, and what a child must make of them.

Run:    python3 make.py

The bytes are made by hand here, and by no library, so that forms that no encoder writes are among them.
"""
import json
import pathlib
import struct

import conversations
import lanes
from items import echo, frame, head, integer, split, text

NOTATION = {
    "packets": "Bytes in hexadecimal, each a packet of its own, as they go over the socket. The length at the beginning of "
               "a frame is little-endian: on a big-endian machine turn those 8 bytes around.",
    "descriptors": "How many descriptors travel with each packet, if any do.",
    "close": "Whether the sender closes its end behind the last packet. If not, it waits.",
    "meaning": "The payload of a request {\"do\": \"echo\", \"payload\": ...}, which comes back as the body of the reply. It is "
               "JSON, with {\"$int\": decimal} for integers beyond 2^53, {\"$float\": decimal, NaN, Infinity or -Infinity} for "
               "floating point, whatever its width, and {\"$bytes\": hexadecimal} for byte strings. A language that has no "
               "integers may answer an integer where a $float is one.",
    "invalid": "Why this is no message that can be answered with its payload.",
    "then": "What becomes of it. answers: the reply is an error item, and the next request is served. ends: there is no reply, "
            "and the child exits, with a code that is not 0. survives: as either of these, or a normal reply; only a crash "
            "(the end by a signal) is wrong.",
    "conversations": "Messages of the chapter of that name, which a child only gets if its hello says that it understands them. "
                     "Everything that is said above holds for them too.",
    "kind": "hello and answer: what a child sends. request, lane and cancel: what it gets. The meaning of a request is that of "
            "its echo. A method takes the place of \"do\". The meaning of a hello is its keys, without those that nobody knows. A "
            "lane comes with a SOCK_SEQPACKET socket, is answered with null, and served. A cancel is never answered: it ends a "
            "reply that is due, and means nothing otherwise.",
    "id": "The number that the envelope has: of an answer, or of what a request is answered with, also by an error item. Without "
          "one, an answer has none, and a request is answered bare.",
    "what": "What an answer is: reply, element, elements, end or error. The meaning of elements is an array, and that of an error a "
            "map of type and message.",
    "refused": "(In then.) Who asked gets an error, and never a value. A malformed hello costs the socket, too.",
    "lanes": "Memory that is offered to a child whose hello says memory, for its first socket or a further lane.",
    "image": "The words of the memory that are not 0, by their offsets, each in hexadecimal and little-endian: on a big-endian "
             "machine turn each around. All of them are there, and the seals, before the memory is offered. size is that of the file.",
    "rings": "(In the meaning of a memory.) The sizes of the rings. The memory is accepted, and requests are served through it.",
    "ring": "The size of both rings of memory that was accepted. The steps are done one after the other: first the packets, with "
            "descriptors, are sent over the socket, then each part is written into ring 0 behind what was written before, around its "
            "end if need be, and published, as soon as there is room for it. If there is a tail, it is published in the end instead of the "
            "right one, and if there is a head, that of ring 1 from the beginning. A step with a meaning is answered, before the next "
            "one is done. The 8 bytes of the number of descriptors, and of the length, are little-endian, as are tail and head.",
    "closes": "(In then.) There is no reply, and the lane is closed. If it is the first socket, the child exits with a code that is not 0.",
}

vectors = []


def valid(name, payload, meaning, body=None, packets=None):
    vectors.append({"name": name, "packets": packets or [frame(body or echo(payload))], "meaning": meaning})


def invalid(name, packets, reason, then, **more):
    vectors.append({"name": name, "packets": packets, **more, "invalid": reason, "then": then})


def integers():
    borders = [0, 1, 23, 24, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63,
               2**64 - 1, -1, -24, -25, -256, -257, -65536, -65537, -2**31, -2**31 - 1, -2**32, -2**32 - 1, -2**53 - 1, -2**63]
    for value in borders:
        valid(f"integer {value}", integer(value), value if abs(value) <= 2**53 else {"$int": str(value)})
    for size in (1, 2, 4, 8):
        valid(f"integer 7 with {size} bytes where none is needed", head(0, 7, size), 7)
        valid(f"integer -8 with {size} bytes where none is needed", head(1, 7, size), -8)


def floats():
    for value in (1.5, -2.25, 65504.0, 5.960464477539063e-08):
        valid(f"half {value}", b"\xf9" + struct.pack(">e", value), {"$float": str(value)})
    for value in (1.5, 3.4028234663852886e+38, 0.10000000149011612):
        valid(f"single {value}", b"\xfa" + struct.pack(">f", value), {"$float": str(value)})
    for value in (1.5, 0.1, -4.1, 1.7976931348623157e+308, 5e-324):
        valid(f"double {value}", b"\xfb" + struct.pack(">d", value), {"$float": str(value)})
    for name, code, value in (("half", b"\xf9", ">e"), ("single", b"\xfa", ">f"), ("double", b"\xfb", ">d")):
        valid(f"{name} Infinity", code + struct.pack(value, float("inf")), {"$float": "Infinity"})
        valid(f"{name} -Infinity", code + struct.pack(value, float("-inf")), {"$float": "-Infinity"})
        valid(f"{name} NaN", code + struct.pack(value, float("nan")), {"$float": "NaN"})


def strings():
    for name, value in (("empty", ""), ("one letter", "a"), ("of 23 bytes", "x" * 23), ("of 24 bytes", "x" * 24),
                        ("of 256 bytes", "y" * 256), ("with two bytes a letter", "Größe"),
                        ("with three bytes a letter", "水と火"), ("beyond the first plane", "𐐷😀"),
                        ("with NUL, quotes and a line", "a\0b\"c\\d\ne")):
        valid(f"text {name}", text(value), value)
    for name, value in (("empty", b""), ("of one byte", b"\x00"), ("of 24 bytes", bytes(range(24))),
                        ("of 256 bytes", bytes(range(256)))):
        valid(f"bytes {name}", head(2, len(value)) + value, {"$bytes": value.hex()})
    for size in (1, 2, 4, 8):
        valid(f"text with {size} bytes of length", head(3, 1, size) + b"a", "a")
        valid(f"bytes with {size} bytes of length", head(2, 1, size) + b"a", {"$bytes": "61"})
    valid("text of indefinite length", b"\x7f" + text("Grö") + text("") + text("ße") + b"\xff", "Größe")
    valid("text of indefinite length, empty", b"\x7f\xff", "")
    valid("bytes of indefinite length", b"\x5f" + b"\x42\x01\x02" + b"\x41\x03" + b"\xff", {"$bytes": "010203"})
    valid("bytes of indefinite length, empty", b"\x5f\xff", {"$bytes": ""})


def collections():
    valid("null", b"\xf6", None)
    valid("true", b"\xf5", True)
    valid("false", b"\xf4", False)
    valid("array, empty", b"\x80", [])
    valid("map, empty", b"\xa0", {})
    valid("array of 24", head(4, 24) + b"".join(map(integer, range(24))), list(range(24)))
    valid("array of 1000", head(4, 1000) + b"".join(map(integer, range(1000))), list(range(1000)))
    valid("array of mixed items", head(4, 5) + integer(1) + text("a") + b"\xf6" + b"\xf5" + b"\x80", [1, "a", None, True, []])
    names = [f"key {number}" for number in range(30)]
    valid("map of 30", head(5, 30) + b"".join(text(name) + integer(len(name)) for name in names), {n: len(n) for n in names})
    inner = head(5, 1) + text("b") + head(4, 2) + integer(1) + head(5, 1) + text("c") + b"\xf6"
    valid("nested", head(5, 1) + text("a") + inner, {"a": {"b": [1, {"c": None}]}})
    valid("arrays, 50 deep", b"\x81" * 50 + integer(1), json.loads("[" * 50 + "1" + "]" * 50))
    for size in (1, 2, 4, 8):
        valid(f"array with {size} bytes of length", head(4, 1, size) + integer(1), [1])
        valid(f"map with {size} bytes of length", head(5, 1, size) + text("a") + integer(1), {"a": 1})
    valid("array of indefinite length", b"\x9f" + integer(1) + b"\x9f\xff" + integer(2) + b"\xff", [1, [], 2])
    valid("map of indefinite length", b"\xbf" + text("a") + integer(1) + text("b") + b"\xbf\xff" + b"\xff", {"a": 1, "b": {}})


def requests():
    """Forms of the request itself, all with the payload 1."""
    do, payload = text("do") + text("echo"), text("payload") + integer(1)
    valid("request with its payload first", None, 1, body=head(5, 2) + payload + do)
    valid("request of indefinite length", None, 1, body=b"\xbf" + do + payload + b"\xff")
    valid("request with 8 bytes of size", None, 1, body=head(5, 2, 8) + do + payload)
    valid("request whose keys have long heads", None, 1,
          body=head(5, 2) + head(3, 2, 4) + b"do" + head(3, 4, 2) + b"echo" + head(3, 7, 8) + b"payload" + integer(1))
    valid("request whose key is a text of indefinite length", None, 1,
          body=head(5, 2) + b"\x7f" + text("d") + text("o") + b"\xff" + text("echo") + payload)
    long = "0123456789" * 10
    valid("frame in two parts", None, long, packets=split(frame(echo(text(long))), 70))
    valid("frame in three parts", None, long, packets=split(frame(echo(text(long))), 50, 40))
    valid("frame in parts of one byte", None, "abc", packets=split(frame(echo(text("abc"))), 9, 1))
    valid("frame whose last part is one byte", None, long, packets=split(frame(echo(text(long))), 126))
    valid("frame whose parts grow", None, long, packets=split(frame(echo(text(long))), 10, 20, 40, 80))


def broken_frames():
    body = echo(integer(1))
    for size in (1, 7, 8):
        invalid(f"packet of {size} bytes", [frame(body)[:size]], "A frame begins with 8 bytes of length and 1 of body at least.",
                "ends")
    invalid("length 0", [frame(body, 0)], "A frame is never empty.", "ends")
    for length in (2**24 + 1, 2**30 - 1):
        invalid(f"length {length}, and the end", [frame(body, length)], "More is announced than the limit of 16 MiB. A receiver "
                "may drop the message, but then it ends too early.", "ends", close=True)
    for length in (2**30, 2**31 - 1, 2**31, 2**32 + len(body), 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1):
        invalid(f"length {length}", [frame(body, length)], "More is announced than 64 times the limit of 16 MiB.", "ends")
    for length in (1, len(body) - 1):
        invalid(f"length {length} before {len(body)} bytes", [frame(body, length)], "Less is announced than came.", "ends")
    invalid("last part too long", [frame(body, len(body) + 3), b"1234"], "More came than was announced.", "ends")
    invalid("descriptors in a later part", [frame(body)[:12], frame(body)[12:]],
            "Descriptors travel with the first packet of a frame.", "ends", descriptors=[0, 1])
    invalid("empty packet with a descriptor", [b""], "A frame is never empty, and this is not the end either.", "ends",
            descriptors=[1])
    invalid("length over the limit, with descriptors", [frame(body, 2**40)], "More is announced than 64 times the limit of 16 MiB.",
            "ends", descriptors=[2])
    invalid("end behind the first part", [frame(body)[:12]], "The socket ends in the middle of a frame.", "ends", close=True)
    invalid("end behind the second part", split(frame(body), 10)[:2], "The socket ends in the middle of a frame.", "ends",
            close=True)


def broken_items():
    cut = "The item is longer than the body."
    for name, payload in (("text", b"\x6aabc"), ("bytes", b"\x4a\x01"), ("array", b"\x82\x01"), ("map without a value", b"\xa1\x61a"),
                          ("head", b"\x19\x01"), ("double", b"\xfb\x00\x00"), ("tag without an item", b"\xc1"),
                          ("array of indefinite length", b"\x9f\x01"), ("text of indefinite length", b"\x7f\x61a")):
        invalid(f"cut: {name}", [frame(echo(payload))], cut, "answers")
    invalid("cut: no payload", [frame(echo(b""))], cut, "answers")
    huge = "The item is longer than the body, and nothing must be allocated for it."
    for name, payload in (("array of 2^31 items", head(4, 2**31, 4) + b"\x01"), ("array of 2^62 items", head(4, 2**62, 8) + b"\x01"),
                          ("map of 2^61 pairs", head(5, 2**61, 8) + b"\x61a\x01"), ("text of 2^31 bytes", head(3, 2**31, 4) + b"a"),
                          ("text of 2^63 bytes", head(3, 2**63, 8) + b"a"), ("bytes of 2^40", head(2, 2**40, 8) + b"a"),
                          ("bytes of 2^64 - 1", head(2, 2**64 - 1, 8) + b"a"),
                          ("text of indefinite length with a part of 2^62 bytes", b"\x7f" + head(3, 2**62, 8) + b"a\xff")):
        invalid(f"huge: {name}", [frame(echo(payload))], huge, "answers")
    invalid("two items", [frame(echo(b"\x01") + b"\x01")], "A body is one item.", "answers")
    invalid("break behind the item", [frame(echo(b"\x01") + b"\xff")], "A body is one item.", "answers")
    invalid("the beginning of a second item", [frame(echo(b"\x01") + b"\x18")], "A body is one item.", "answers")
    for info in (28, 29, 30):
        invalid(f"additional information {info}", [frame(echo(bytes([info])))], "It is reserved (RFC 8949, 3).", "answers")
    for major in (0, 1, 6):
        invalid(f"major type {major} of indefinite length", [frame(echo(bytes([major << 5 | 31, 1])))],
                "There is no such thing (RFC 8949, 3.2).", "answers")
    invalid("break as the payload", [frame(echo(b"\xff"))], "A break ends an item of indefinite length.", "answers")
    invalid("break in an array of 2", [frame(echo(b"\x82\x01\xff"))], "A break ends an item of indefinite length.", "answers")
    invalid("break behind a key", [frame(echo(b"\xbf\x61a\xff"))], "A map has a value for each key.", "answers")
    invalid("bytes in a text of indefinite length", [frame(echo(b"\x7f\x41a\xff"))], "Its parts are texts (RFC 8949, 3.2.3).",
            "answers")
    invalid("break alone", [frame(b"\xff")], "A body is one item.", "answers")
    unknown = "It is well-formed, and no request."
    for name, body in (("a number", integer(1)), ("null", b"\xf6"), ("an array", b"\x80"), ("an empty map", b"\xa0"),
                       ("an unknown one", head(5, 1) + text("do") + text("nothing known"))):
        invalid(f"request: {name}", [frame(body)], unknown, "answers")
    deep = "A child has a limit for how deep items are nested, and is not ended by a stack that overflows."
    invalid("arrays, 10000 deep", [frame(echo(b"\x81" * 10_000 + b"\x01"))], deep, "survives")
    invalid("maps, 10000 deep", [frame(echo(b"\xa1\x61a" * 10_000 + b"\x01"))], deep, "survives")
    invalid("tags, 10000 deep", [frame(echo(b"\xd8\x64" * 10_000 + b"\x01"))], deep, "survives")
    invalid("tags, 9 around one item", [frame(echo(b"\xc1" * 9 + b"\x01"))], "At most 8 tags are around one item.", "survives")
    invalid("arrays of indefinite length, 10000 deep", [frame(echo(b"\x9f" * 10_000))], deep, "survives")
    odd = "No application means this, and some libraries take it for something else."
    for name, content in (("overlong", b"\xc0\x80"), ("a surrogate", b"\xed\xa0\x80"), ("above U+10FFFF", b"\xf4\x90\x80\x80")):
        invalid(f"text that is not UTF-8: {name}", [frame(echo(head(3, len(content)) + content))], "Text is UTF-8 (RFC 3629).",
                "survives")
    for key in (2**64 - 1, 2**63, -2**63 - 1, -2**64):
        invalid(f"key {key}", [frame(echo(head(5, 1) + integer(key) + integer(1)))], odd, "survives")
    for exponent in (1001, 2_000_000_000, -1001, -2_000_000_000, 2**64 - 1):
        invalid(f"decimal fraction with the exponent {exponent}", [frame(echo(b"\xc4\x82" + integer(exponent) + integer(1)))], odd,
                "survives")


def lines(entries):
    return ",\n".join("    " + json.dumps(entry, ensure_ascii=False) for entry in entries)


def main():
    for part in (integers, floats, strings, collections, requests, broken_frames, broken_items):
        part()
    manifest = json.dumps({"version": 1, "notation": NOTATION}, ensure_ascii=False, indent=2)
    messages = {"vectors": vectors, "conversations": conversations.make()}
    for entry in (entry for entries in messages.values() for entry in entries):
        entry["packets"] = [packet.hex() for packet in entry["packets"]]
    for name, entries in {**messages, "lanes": lanes.make()}.items():
        manifest = manifest.removesuffix("\n}") + f',\n  "{name}": [\n{lines(entries)}\n  ]\n}}'
    manifest += "\n"
    json.loads(manifest)
    pathlib.Path(__file__).with_name("manifest.json").write_text(manifest, encoding="utf-8")


if __name__ == "__main__":
    main()
