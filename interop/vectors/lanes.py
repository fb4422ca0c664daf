"""The vectors of the chapter "Memory lanes", which make.py asks for."""
import struct

from items import echo, frame, head, integer, split, text

PAGE, SMALLEST, LARGEST = 4096, 4096, 64 * 1024 * 1024
MAGIC, VERSION = 0x4d637069796e6974, 1
SEALS = ["seal", "shrink", "grow"]

vectors = []


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def image(first=SMALLEST, second=SMALLEST, magic=MAGIC, version=VERSION, header=PAGE):
    words = {0: u64(magic), 8: u32(version), 12: u32(header), 16: u64(first), 24: u64(second)}
    return {str(offset): word.hex() for offset, word in words.items()}


def memories():
    def well(name, first=SMALLEST, second=SMALLEST, more=None, seals=SEALS):
        vectors.append({"kind": "memory", "name": f"memory: {name}", "size": PAGE + first + second, "seals": seals,
                        "image": {**image(first, second), **(more or {})}, "meaning": {"rings": [first, second]}})

    def ill(name, reason, size=PAGE + 2 * SMALLEST, seals=SEALS, page=None):
        vectors.append({"kind": "memory", "name": f"memory: {name}", "size": size, "seals": seals,
                        "image": image() if page is None else page, "invalid": reason, "then": "answers"})

    well("two rings of 4 KiB")
    well("two rings of 256 KiB", 2**18, 2**18)
    well("rings that differ", SMALLEST, 2**16)
    well("rings that differ the other way round", 2**16, SMALLEST)
    well("the largest rings", LARGEST, LARGEST)
    well("something in words that mean nothing", more={str(offset): "ff" * 8 for offset in (32, 264, 1024, PAGE - 8)})
    unsealed = "It could be made smaller while it is mapped."
    ill("no seals", unsealed, seals=[])
    for missing in SEALS:
        ill(f"no seal against {'further seals' if missing == 'seal' else missing + 'ing'}",
            "All three seals must be there before it is mapped.", seals=[seal for seal in SEALS if seal != missing])
    ill("sealed against writing, too", "Nobody could write into it.", seals=[*SEALS, "write"])
    size = "It has exactly as many bytes as the header and both rings."
    for name, length in (("empty", 0), ("of 31 bytes", 31), ("of a page", PAGE), ("too short by a byte", PAGE + 2 * SMALLEST - 1),
                         ("too short by a ring", PAGE + SMALLEST), ("too long by a byte", PAGE + 2 * SMALLEST + 1),
                         ("too long by a page", 2 * PAGE + 2 * SMALLEST)):
        ill(name, size, size=length)
    ill("nothing but zeros", "There is no magic.", page={})
    ill("the magic the other way round", "It was made on a machine of the other byte order, or is not for a lane.",
        page=image(magic=int.from_bytes(u64(MAGIC), "big")))
    ill("the magic with another last letter", "The magic is wrong.", page=image(magic=MAGIC ^ 1 << 56))
    for version in (0, 2, 2**32 - 1):
        ill(f"version {version}", "The version is 1.", page=image(version=version))
    for header in (0, 1024, PAGE + 1, 2**32 - 1):
        ill(f"a header of {header} bytes", "The header has 4096 bytes.", page=image(header=header))
    ring = "A ring has a power of two from 4096 to 64 Mi bytes."
    for first in (0, 1, 2048, 4095, 4097, 6144, LARGEST + PAGE, 2 * LARGEST):
        for pair in ((first, SMALLEST), (SMALLEST, first)):
            ill(f"rings of {pair[0]} and {pair[1]} bytes", ring, size=PAGE + sum(pair), page=image(*pair))
    for first in (2**31, 2**32, 2**32 + SMALLEST, 2**63, 2**64 - PAGE, 2**64 - 1):
        ill(f"ring 0 of {first} bytes", ring, page=image(first=first))
        ill(f"ring 1 of {first} bytes", ring, page=image(second=first))
    ill("sizes whose sum is right because it overflows", ring, page=image(2**63 + SMALLEST, 2**63 + SMALLEST))


def message(body, descriptors=0, length=None):
    return u64(descriptors) + frame(body, length)


def rings():
    def well(name, *steps, ring=SMALLEST):
        vectors.append({"kind": "ring", "name": f"ring: {name}", "ring": ring, "steps": steps})

    def ill(name, reason, *steps, then="closes", **more):
        vectors.append({"kind": "ring", "name": f"ring: {name}", "ring": SMALLEST, "steps": steps, **more, "invalid": reason,
                        "then": then})

    def step(*parts, meaning=1, **more):
        return {"parts": [part.hex() for part in parts], **more, "meaning": meaning}

    def last(*parts, **more):
        return {"parts": [part.hex() for part in parts], **more}

    def filler(end):
        """A frame that ends where so many bytes have been written."""
        length = end - len(message(echo(head(3, 0, 2))))
        return step(message(echo(head(3, length, 2) + b"x" * length)), meaning="x" * length)

    one = message(echo(integer(1)))
    well("a frame", step(one))
    well("ten frames", *[step(message(echo(integer(number))), meaning=number) for number in range(10)])
    for name, size in (("in the number of descriptors", 3), ("before the length", 8), ("in the length", 12), ("before the body", 16),
                       ("after the first byte of the body", 17), ("before the last byte", len(one) - 1)):
        well(f"a frame that is published in two parts, cut {name}", step(*split(one, size, len(one))))
    well("a frame that is published byte by byte", step(*split(one, 1)))
    for name, left in (("in the number of descriptors", 3), ("before the length", 8), ("in the length", 12), ("before the body", 16),
                       ("in the body", 20), ("before the last byte", len(one) - 1)):
        well(f"a frame that goes around the end of the ring {name}", filler(SMALLEST - left), step(one))
    well("a frame that ends with the ring, and the next", filler(SMALLEST - len(one)), step(one), step(one))
    full = filler(SMALLEST)
    well("a frame as long as the ring, and the next", full, step(one))
    well("a frame as long as the ring, at another place", step(one), full, step(one))
    long = "0123456789" * 500
    well("a frame longer than the ring", step(*split(message(echo(text(long))), 1000), meaning=long), step(one))
    well("a frame longer than the ring, in parts as long as the ring", step(*split(message(echo(text(long))), SMALLEST), meaning=long))
    well("a larger ring", step(message(echo(text(long))), meaning=long), ring=2**16)
    for count in (1, 2, 253):
        well(f"a frame with {count} descriptors", step(message(echo(integer(1)), count), packets=["01"], descriptors=[count]),
             step(one))
    well("a frame with descriptors, between bells",
         step(message(echo(integer(1)), 2), packets=["00", "00", "01", "00"], descriptors=[0, 0, 2, 0]), step(one))
    well("two frames with descriptors, of which none was read before",
         step(message(echo(integer(1)), 1) + message(echo(integer(2)), 2), packets=["01", "01"], descriptors=[1, 2]),
         step(meaning=2), step(one))
    most = 256
    well(f"{most} frames with descriptors, of which none was read before",
         step(*[message(echo(integer(1)), 1)] * most, packets=["01"] * most, descriptors=[1] * most),
         *[step() for _ in range(most - 1)], step(one), ring=2**14)
    well("bells that are for nothing", *[step(one, packets=["00"] * 3) for _ in range(5)])
    unknown = "It is well-formed, and no request."
    ill("a body that is cut", "The item is longer than the body.", last(message(echo(b"\x6aabc"))), then="answers")
    ill("a body of two items", "A body is one item.", last(message(echo(b"\x01") + b"\x01")), then="answers")
    ill("a request that nobody knows", unknown, last(message(head(5, 1) + text("do") + text("nothing known"))), then="answers")
    ill("a request that nobody knows, with descriptors", unknown,
        last(message(b"\xf6", 2), packets=["01"], descriptors=[2]), then="answers")

    position = "The tail is at most a ring ahead of what was read, and never goes back."
    for name, tail in (("one byte too many", SMALLEST + 1), ("twice the ring", 2 * SMALLEST), ("2^31", 2**31), ("2^32", 2**32),
                       ("2^63", 2**63), ("2^64 - 1", 2**64 - 1)):
        ill(f"tail: {name}", position, last(tail=u64(tail).hex()))
        ill(f"tail: {name}, after a frame", position, step(one), last(tail=u64((tail + len(one)) % 2**64).hex()))
    ill("tail: one byte back", position, step(one), last(tail=u64(len(one) - 1).hex()))
    ill("tail: back to 0", position, step(one), last(tail=u64(0).hex()))
    ahead = "The head of the other ring is never ahead of its tail, and never goes back."
    longest = split(message(echo(text(long))), 1000)
    for name, value in (("one byte ahead of a ring that is full", SMALLEST + 1), ("twice the ring", 2 * SMALLEST), ("2^31", 2**31),
                        ("2^32", 2**32), ("2^63", 2**63), ("2^64 - 1", 2**64 - 1)):
        ill(f"head: {name}", ahead, last(*longest, head=u64(value).hex()))
    ill("head: one byte ahead of a ring that is full, after a reply", ahead, step(one),
        last(*longest, head=u64(SMALLEST + 1 + len(message(integer(1)))).hex()))
    seen = len(message(text(long))) - SMALLEST
    for name, value in (("back to 0", 0), ("one byte back", seen - 1)):
        ill(f"head: {name}", f"The writer has seen that at least {seen} bytes were read, as it had no room before.",
            step(*longest, meaning=long), last(*longest, head=u64(value).hex()))

    ill("a length of 0", "A frame is never empty.", last(message(echo(integer(1)), length=0)))
    for length in (2**30, 2**31 - 1, 2**31, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1):
        ill(f"a length of {length}", "It is more than 64 times the limit of 16 MiB.", last(message(echo(integer(1)), length=length)))
    ill(f"a length of {2**24 + 1}, and the end", "It is over the limit of 16 MiB. A receiver may drop the message, but then it ends too "
        "early.", last(message(echo(integer(1)), length=2**24 + 1)), close=True)
    most = "A frame has at most 253 descriptors."
    for count in (254, 2**32, 2**63, 2**64 - 1):
        ill(f"{count} descriptors", most, last(message(echo(integer(1)), count), packets=["01"], descriptors=[1]))
    never = "They are sent before their frame is published."
    ill("a descriptor that does not come", never, last(message(echo(integer(1)), 1)))
    ill("a descriptor that does not come, but a bell", never, last(message(echo(integer(1)), 1), packets=["00"]))
    ill("a descriptor that does not come with its packet", never, last(message(echo(integer(1)), 1), packets=["01"]))
    ill("fewer descriptors than announced", never, last(message(echo(integer(1)), 3), packets=["01"], descriptors=[2]))
    ill("more descriptors than announced", never, last(message(echo(integer(1)), 1), packets=["01"], descriptors=[2]))
    ill("the descriptors of too many messages", "At most 256 frames with descriptors are unread, and one may be read just now.",
        last(packets=["01"] * 258, descriptors=[1] * 258))
    packet = "A packet on the socket of a lane is a bell, or the descriptors of a frame."
    for name, sent, count in (("of 2 bytes", "0000", 0), ("of 2 bytes, with a descriptor", "0101", 1), ("with another byte", "02", 0),
                              ("with another byte, and a descriptor", "ff", 1), ("that is a bell with a descriptor", "00", 1),
                              ("that is empty, with a descriptor", "", 1),
                              ("with a frame in it", frame(echo(integer(1))).hex(), 0)):
        ill(f"a packet {name}", packet, last(packets=[sent], descriptors=[count]))
    early = "The socket ends in the middle of a frame."
    for name, size in (("a byte", 1), ("the number of descriptors", 8), ("the length", 16), ("a byte of the body", 17),
                       ("all but a byte", len(one) - 1)):
        ill(f"the end after {name}", early, last(one[:size]), close=True)
        ill(f"the end after a frame and {name} of the next", early, step(one), last(one[:size]), close=True)


def make():
    memories()
    rings()
    return vectors
