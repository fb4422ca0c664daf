"""The vectors of the chapter "Conversations", which make.py asks for."""
import struct

from items import echo, frame, head, integer, pairs, split, tag, text

ERROR_ITEM, ENVELOPE, ELEMENT, END, CANCEL, HELLO, ELEMENTS = range(1230000965, 1230000972)

vectors = []


def envelope(*entries):
    return tag(ENVELOPE, pairs(*entries))


def add(kind, name, body, **more):
    packets = more.pop("packets", None) or [frame(body)]
    vectors.append({"kind": kind, "name": f"{kind}: {name}", "packets": packets, **more})


def number(value):
    return value if value <= 2**53 else {"$int": str(value)}


def hellos():
    def well(name, content, meaning, **more):
        add("hello", name, more.get("body") or tag(HELLO, content), meaning=meaning)

    def ill(name, content, reason, body=None):
        add("hello", name, body or tag(HELLO, content), invalid=reason, then="refused")

    protocol, envelopes = ("protocol", integer(2)), ("envelope", b"\xf5")
    usual, meaning = pairs(protocol, envelopes), {"protocol": 2, "envelope": True}
    methods = head(4, 3) + text("") + text("echo") + text("Größe")
    everything = [protocol, ("ready", b"\xf5"), envelopes, ("cancel", b"\xf5"), ("lanes", integer(4)), ("methods", methods),
                  ("maxMessageSize", integer(2**24))]
    all_meant = {**meaning, "ready": True, "cancel": True, "lanes": 4, "methods": ["", "echo", "Größe"], "maxMessageSize": 2**24}
    well("of version 2 with envelopes", usual, meaning)
    well("without keys", pairs(), {})
    well("with all keys", pairs(*everything), all_meant)
    well("with all keys, the other way round", pairs(*reversed(everything)), all_meant)
    well("with a signal for stacks", pairs(protocol, ("stackSignal", integer(3))), {"protocol": 2, "stackSignal": 3})
    well("with memory lanes", pairs(protocol, ("memory", b"\xf5")), {"protocol": 2, "memory": True})
    well("that can do nothing", pairs(("protocol", integer(2)), ("envelope", b"\xf4"), ("cancel", b"\xf4"), ("lanes", integer(1)),
                                      ("methods", b"\x80")),
         {"protocol": 2, "envelope": False, "cancel": False, "lanes": 1, "methods": []})
    well("of a later version", pairs(("protocol", integer(3)), envelopes), {"protocol": 3, "envelope": True})
    well("with unknown keys", pairs(("color", text("blue")), protocol, ("more", pairs(("envelope", integer(1)))), envelopes,
                                    ("Envelope", b"\xf6")), meaning)
    well("with a key that is a number", head(5, 2) + integer(7) + integer(1) + text("envelope") + b"\xf5", {"envelope": True})
    well("of indefinite length", b"\xbf" + usual[1:] + b"\xff", meaning)
    endless = b"\x9f" + text("a") + b"\x7f" + text("b") + text("c") + b"\xff\xff"
    well("with methods of indefinite length", pairs(("methods", endless)), {"methods": ["a", "bc"]})
    well("with 8 bytes of tag", None, meaning, body=tag(HELLO, usual, 8))
    well("with 8 bytes of size, and long heads", head(5, 2, 8) + head(3, 8, 4) + b"protocol" + head(0, 2, 8) + head(3, 5, 2)
         + b"lanes" + head(0, 4, 4), {"protocol": 2, "lanes": 4})
    well("in another tag", None, meaning, body=tag(55799, tag(HELLO, usual)))
    well("in two other tags", None, meaning, body=tag(55799, tag(100, tag(HELLO, usual), 8)))
    for name, content in (("null", b"\xf6"), ("true", b"\xf5"), ("a number", integer(2)), ("a text", text("hello")),
                          ("an array", head(4, 1) + text("envelope"))):
        ill(f"{name} instead of a map", content, "A hello is a map.")
    kinds = "The value is of another kind."
    for key, value, name in (("protocol", text("2"), "a text"), ("protocol", b"\xf6", "null"), ("ready", integer(1), "a number"),
                             ("envelope", integer(1), "a number"), ("envelope", text("true"), "a text"),
                             ("envelope", b"\xf6", "null"),
                             ("cancel", integer(0), "a number"), ("cancel", b"\xa0", "a map"),
                             ("memory", integer(1), "a number"), ("memory", b"\xf6", "null"), ("lanes", text("4"), "a text"),
                             ("lanes", b"\xf5", "true"), ("lanes", integer(0), "0"), ("lanes", integer(-1), "-1"),
                             ("methods", text("echo"), "a text"), ("methods", b"\xa0", "a map"),
                             ("methods", head(4, 2) + text("echo") + integer(1), "an array with a number"),
                             ("maxMessageSize", text("16MB"), "a text"), ("maxMessageSize", integer(0), "0"),
                             ("maxMessageSize", integer(-1), "-1"),
                             ("stackSignal", text("SIGQUIT"), "a text"), ("stackSignal", b"\xf5", "true"),
                             ("stackSignal", integer(0), "0"), ("stackSignal", integer(65), "65")):
        ill(f"{key} is {name}", pairs(protocol, (key, value)) if key != "protocol" else pairs((key, value)), kinds)
    ill("without an item", None, "The item is longer than the body.", body=tag(HELLO, b""))
    ill("cut", None, "The item is longer than the body.", body=tag(HELLO, usual)[:-1])
    ill("and another item", None, "A body is one item.", body=tag(HELLO, usual) + b"\xf6")


def envelopes():
    """Requests in envelopes. All that are well-formed have the payload 1."""
    id, payload = ("id", integer(7)), ("payload", echo(integer(1)))
    method, named = ("method", text("echo")), ("payload", pairs(("payload", integer(1))))
    trace = text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    headers = ("headers", pairs(("deadline-ms", text("60000")), ("traceparent", trace), ("colour", text("blau"))))

    def well(name, *entries, body=None, id=7, **more):
        numbered = {} if id is None else {"id": number(id)}
        add("request", name, body or envelope(*entries), **numbered, meaning=1, **more)

    well("envelope", id, payload)
    well("envelope with its payload first", payload, id)
    well("envelope without a number", payload, id=None)
    well("envelope with a method", id, method, named)
    well("envelope with its method last", named, id, method)
    well("envelope with a method, without a number", method, named, id=None)
    well("envelope with headers", id, headers, payload)
    well("envelope with headers last", payload, id, headers)
    well("envelope with empty headers", id, ("headers", b"\xa0"), payload)
    well("envelope with everything", id, method, headers, named)
    well("envelope with everything, the other way round", named, headers, method, id)
    well("envelope with unknown keys", ("color", text("blue")), id, ("more", pairs(("payload", integer(2)))), payload,
         ("Id", b"\xf6"))
    well("envelope with a key that is a number", body=tag(ENVELOPE, head(5, 3) + integer(-5) + b"\xf6" + text("id") + integer(7)
                                                          + text("payload") + echo(integer(1))))
    for value in (0, 1, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        well(f"envelope number {value}", ("id", integer(value)), payload, id=value)
    for size in (1, 2, 4, 8):
        well(f"envelope whose number has {size} bytes where none is needed", ("id", head(0, 7, size)), payload)
        well(f"envelope with {size} bytes of size", body=tag(ENVELOPE, pairs(id, payload, size=size)))
    well("envelope with 8 bytes of tag", body=tag(ENVELOPE, pairs(id, payload), 8))
    well("envelope of indefinite length", body=tag(ENVELOPE, b"\xbf" + pairs(id, payload)[1:] + b"\xff"))
    endless = b"\xbf" + text("a") + b"\x7f" + text("b") + b"\xff\xff"
    well("envelope with headers of indefinite length", id, ("headers", endless), payload)
    well("envelope with a method of indefinite length", id, ("method", b"\x7f" + text("ec") + text("ho") + b"\xff"), named)
    well("envelope whose keys have long heads",
         body=tag(ENVELOPE, head(5, 2) + head(3, 2, 4) + b"id" + integer(7) + head(3, 7, 8) + b"payload" + echo(integer(1))))
    well("envelope whose key is a text of indefinite length",
         body=tag(ENVELOPE, head(5, 2) + b"\x7f" + text("i") + text("d") + b"\xff" + integer(7) + text("payload") + echo(integer(1))))
    well("envelope in parts", packets=split(frame(envelope(id, payload)), 12, 5), body=b"-")

    def ill(name, *entries, body=None, reason, then="answers", **more):
        add("request", name, body or envelope(*entries), **more, invalid=reason, then=then)

    unknown = "The envelope is well-formed, and the request is none that is known."
    ill("envelope with an unknown method", id, ("method", text("nothing known")), named, id=7, reason=unknown)
    ill("envelope with an unknown method, without a number", ("method", text("nothing known")), named, reason=unknown)
    for name, content in (("an unknown request", pairs(("do", text("nothing known")))), ("a number", integer(1)),
                          ("null", b"\xf6")):
        ill(f"envelope around {name}", id, ("payload", content), id=7, reason=unknown)
    ill("envelope around null, with a descriptor", id, ("payload", b"\xf6"), id=7, descriptors=[1], reason="It is no lane either.")
    bare = "The envelope is malformed. As its number is unknown, the error item is bare."
    ill("envelope without a payload", id, reason=bare)
    ill("envelope without anything", reason=bare)
    for name, value in (("-1", integer(-1)), ("1.5", b"\xfb" + struct.pack(">d", 1.5)), ("a text", text("7")), ("null", b"\xf6"),
                        ("true", b"\xf5"), ("an array", head(4, 1) + integer(7)), ("2^64", b"\xc2\x49\x01" + bytes(8))):
        ill(f"envelope whose number is {name}", ("id", value), payload, reason=bare)
    for name, value in (("a number", integer(1)), ("null", b"\xf6"), ("bytes", b"\x44echo"),
                        ("an array", head(4, 1) + text("echo"))):
        ill(f"envelope whose method is {name}", id, ("method", value), named, reason=bare)
    for name, value in (("a text", text("a")), ("null", b"\xf6"), ("an array", head(4, 2) + text("a") + text("b")),
                        ("a map of a text to a number", pairs(("deadline-ms", integer(5)))),
                        ("a map of a text to null", pairs(("a", text("b")), ("c", b"\xf6"))),
                        ("a map of a number to a text", head(5, 1) + integer(1) + text("a"))):
        ill(f"envelope whose headers are {name}", id, ("headers", value), payload, reason=bare)
    for name, content in (("null", b"\xf6"), ("a text", text("payload")), ("an array", head(4, 1) + echo(integer(1))),
                          ("an envelope", envelope(id, payload))):
        ill(f"envelope that is {name} instead of a map", body=tag(ENVELOPE, content), reason=bare)
    ill("envelope without an item", body=tag(ENVELOPE, b""), reason=bare)
    either = "The body is not one well-formed item."
    ill("envelope that is cut", body=envelope(id, payload)[:-1], id=7, orBare=True, reason=either)
    ill("envelope whose payload is malformed", id, ("payload", echo(b"\x1c")), id=7, orBare=True, reason=either)
    ill("envelope and another item", body=envelope(id, payload) + b"\xf6", id=7, orBare=True, reason=either)
    ill("envelope of indefinite length without a break", body=tag(ENVELOPE, b"\xbf" + pairs(id, payload)[1:]), id=7, orBare=True,
        reason=either)
    ill("envelope with two payloads", id, payload, payload, reason="A receiver should refuse duplicate keys.", then="survives")


def answers():
    id = ("id", integer(7))
    failure = pairs(("type", text("ValueError")), ("message", text("no picture!")))
    failed = {"type": "ValueError", "message": "no picture!"}

    def well(what, name, body, meaning=None, **more):
        add("answer", name, body, what=what, **more, meaning=meaning)

    def both(what, name, item, meaning=None):
        well(what, name, item, meaning)
        well(what, f"{name}, in an envelope", envelope(id, ("payload", item)), meaning, id=7)

    both("reply", "text", text("abc"), "abc")
    both("reply", "null", b"\xf6")
    both("element", "element", tag(ELEMENT, integer(1)), 1)
    both("element", "element that is null", tag(ELEMENT, b"\xf6"))
    both("element", "element that is a map", tag(ELEMENT, pairs(("a", integer(1)))), {"a": 1})
    both("element", "element with 8 bytes of tag", tag(ELEMENT, text("abc"), 8), "abc")
    two = head(4, 2) + integer(1) + text("abc")
    both("elements", "two elements", tag(ELEMENTS, two), [1, "abc"])
    both("elements", "one of several elements", tag(ELEMENTS, head(4, 1) + pairs(("a", integer(1)))), [{"a": 1}])
    both("elements", "elements with 8 bytes of tag and of count", tag(ELEMENTS, head(4, 2, 8) + two[1:], 8), [1, "abc"])
    both("elements", "elements of indefinite length", tag(ELEMENTS, b"\x9f" + two[1:] + b"\xff"), [1, "abc"])
    both("elements", "elements that are arrays and null", tag(ELEMENTS, head(4, 2) + two + b"\xf6"), [[1, "abc"], None])
    both("end", "end", tag(END, b"\xf6"))
    both("end", "end with 8 bytes of tag", tag(END, b"\xf6", 8))
    both("error", "error", tag(ERROR_ITEM, failure), failed)
    both("error", "error with 8 bytes of tag", tag(ERROR_ITEM, failure, 8), failed)
    both("error", "error in another tag", tag(55799, tag(ERROR_ITEM, failure)), failed)
    both("error", "error of indefinite length", tag(ERROR_ITEM, b"\xbf" + failure[1:] + b"\xff"), failed)
    payload = ("payload", text("abc"))
    for value in (0, 23, 24, 2**32, 2**63, 2**64 - 1):
        well("reply", f"envelope number {value}", envelope(("id", integer(value)), payload), "abc", id=number(value))
    well("reply", "envelope with its payload first", envelope(payload, id), "abc", id=7)
    well("reply", "envelope without a number", envelope(payload), "abc")
    headers = ("headers", pairs(("a", text("b"))))
    well("reply", "envelope with unknown keys", envelope(("color", pairs(id)), id, payload, headers), "abc", id=7)
    well("reply", "envelope of indefinite length", tag(ENVELOPE, b"\xbf" + pairs(id, payload)[1:] + b"\xff"), "abc", id=7)
    well("reply", "envelope with 8 bytes of everything", tag(ENVELOPE, pairs(("id", head(0, 7, 8)), payload, size=8), 8), "abc",
         id=7)
    end = tag(END, b"\xf6")
    well("end", "end of which all heads are long", tag(ENVELOPE, head(5, 2, 8) + head(3, 7, 8) + b"payload" + tag(END, b"\xf6", 8)
                                                       + head(3, 2, 4) + b"id" + head(0, 7, 8), 8), id=7)

    def ill(name, body, reason):
        add("answer", name, body, invalid=reason, then="refused")

    for name, content in (("a number", integer(0)), ("false", b"\xf4"), ("a text", text("")), ("an array", b"\x80"),
                          ("an element", tag(ELEMENT, b"\xf6"))):
        ill(f"end around {name}", tag(END, content), "An end is null.")
        ill(f"end around {name}, in an envelope", envelope(id, ("payload", tag(END, content))), "An end is null.")
    short = "The item is longer than the body."
    for name, content in (("a number", integer(1)), ("null", b"\xf6"), ("a map", b"\xa0"), ("an empty array", b"\x80"),
                          ("an array that has only a break", b"\x9f\xff")):
        ill(f"elements around {name}", tag(ELEMENTS, content), "Elements are an array of at least one.")
        ill(f"elements around {name}, in an envelope", envelope(id, ("payload", tag(ELEMENTS, content))),
            "Elements are an array of at least one.")
    for name, content_tag in (("element", ELEMENT), ("elements", ELEMENTS), ("end", END), ("error", ERROR_ITEM), ("envelope", ENVELOPE)):
        ill(f"{name} without an item", tag(content_tag, b""), short)
    ill("element that is cut", tag(ELEMENT, b"\x82\x01"), short)
    ill("elements that are cut", tag(ELEMENTS, b"\x82\x01"), short)
    ill("elements and another item", tag(ELEMENTS, two) + integer(2), "A body is one item.")
    ill("element and another item", tag(ELEMENT, integer(1)) + integer(2), "A body is one item.")
    ill("end and another item", end + b"\xf6", "A body is one item.")
    texts = "An error has the two texts."
    for name, content in (("a text", text("no picture!")), ("null", b"\xf6"), ("an empty map", b"\xa0"),
                          ("a map without a message", pairs(("type", text("a")))),
                          ("a map without a type", pairs(("message", text("a")))),
                          ("a map whose type is a number", pairs(("type", integer(1)), ("message", text("a"))))):
        ill(f"error around {name}", tag(ERROR_ITEM, content), texts)
        ill(f"error around {name}, in an envelope", envelope(id, ("payload", tag(ERROR_ITEM, content))), texts)
    malformed = "The envelope is malformed."
    for name, body in (("without a payload", envelope(id)), ("whose number is -1", envelope(("id", integer(-1)), payload)),
                       ("whose number is a text", envelope(("id", text("7")), payload)),
                       ("whose number is null", envelope(("id", b"\xf6"), payload)),
                       ("whose method is a number", envelope(id, ("method", integer(1)), payload)),
                       ("whose headers are an array", envelope(id, ("headers", b"\x80"), payload)),
                       ("with a header that is a number", envelope(id, ("headers", pairs(("a", integer(1)))), payload)),
                       ("that is null", tag(ENVELOPE, b"\xf6")), ("that is an array", tag(ENVELOPE, head(4, 1) + text("abc"))),
                       ("around an envelope", tag(ENVELOPE, envelope(id, payload))),
                       ("and another item", envelope(id, payload) + b"\xf6"),
                       ("whose payload is cut", envelope(id, ("payload", b"\x64abc")))):
        ill(f"envelope {name}", body, malformed)


def cancels_and_lanes():
    add("cancel", "null", tag(CANCEL, b"\xf6"), meaning=None)
    add("cancel", "8 bytes of tag", tag(CANCEL, b"\xf6", 8), meaning=None)
    for name, content in (("a number", integer(7)), ("true", b"\xf5"), ("an empty map", b"\xa0"), ("an array", b"\x80")):
        add("cancel", f"{name} instead of null", tag(CANCEL, content), invalid="A cancel is null, and this is a request that is "
                     "not known.", then="answers")
    add("cancel", "without an item", tag(CANCEL, b""), invalid="The item is longer than the body.", then="answers")
    add("lane", "null and a socket", b"\xf6", descriptors=[1], meaning=None)
    no_lane = "A lane is null that comes with exactly one SOCK_SEQPACKET socket."
    add("request", "null and a file", b"\xf6", descriptors=[1], invalid=no_lane, then="answers")
    add("request", "null and two files", b"\xf6", descriptors=[2], invalid=no_lane, then="answers")
    for name, body in (("true", b"\xf5"), ("undefined", b"\xf7"), ("of half precision", b"\xf9\x3c\x00"),
                       ("of single precision", b"\xfa\x3f\x80\x00\x00"), ("of double precision", b"\xfb" + bytes(8))):
        add("request", f"a number {name}" if "precision" in name else name, body, invalid="It is not null, and no request.",
            then="answers")


def make():
    for part in (hellos, envelopes, answers, cancels_and_lanes):
        part()
    return vectors
