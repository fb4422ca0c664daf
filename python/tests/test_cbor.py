"""What may be in a body, and how long it may take to find out."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import time
import uuid

import cbor2
import numpy
import pytest

from tiny_ipc import MalformedBody, cbor, messages

MANY = 1_000_000


def decode(body):
    return cbor.decode(body, MANY)


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),
        decimal.Decimal("12.34"),
        decimal.Decimal("1e1000"),
        fractions.Fraction(1, 3),
        uuid.UUID(int=7),
        {1, 2, "a"},
        2**64,
        -(2**64) - 1,
        2**8000,
        cbor2.CBORTag(100_000, "x"),
        cbor2.CBORSimpleValue(99),
        {2: "a", "b": 2, b"c": 3, None: 4, 2.5: 5, True: 6},
        [[[]], {}, [{}]],
    ],
    ids=repr,
)
def test_what_cbor2_writes_is_read(value):
    assert decode(cbor2.dumps(value)) == value


@pytest.mark.parametrize(
    "body, why",
    [
        (b"\xa2\x61a\x01\x61a\x02", "twice"),
        (b"\xbf\x61a\x01\x7f\x61a\xff\x02\xff", "twice"),
        (b"\xa2\x01\x01\x18\x01\x02", "twice"),
        (b"\xa2\x01\x01\xf9\x3c\x00\x02", "twice"),
        (b"\xa2\x01\x01\xf5\x02", "twice"),
        (b"\x81\xa1\x61x\xa2\x61a\x01\x61a\x02", "twice"),
        (b"\xa1\x80\x01", "key that is an array"),
        (b"\xa1\xc2\x41\x01\x01", "key that is an array, a map or a tagged item"),
        (b"\xa1\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01", "not within 64 bits"),
        (b"\xd8\x1c\x80", "Tag 28"),
        (b"\xd8\x1d\x00", "Tag 29"),
        (b"\xd8\x19\x00", "Tag 25"),
        (b"\xd8\x23\x61a", "Tag 35"),
        (b"\xd8\x24\x61a", "Tag 36"),
        (b"\xd9\x01\x00\x80", "Tag 256"),
        (b"\xd9\x01\x02\x81\x80", "key that is an array"),
        (b"\xc4\x82\x19\x03\xe9\x01", "exponent"),
        (b"\xc4\x82\x39\x03\xe8\x01", "exponent"),
        (b"\xc5\x9f\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01\xff", "exponent"),
        (b"\xc1\xc4\x82\x19\x03\xe9\x01", "exponent"),
        (b"\xc2\x59\x04\x01" + b"\x01" * 1025, "bignum"),
        (b"\xc2\x5f\x41\x01\xff", "bignum"),
        (b"\xf8\x1f", "two bytes"),
        (b"\xf8", "ends before"),
        (b"\x61\xff", "cannot be read"),
        (b"\x63\xed\xa0\x80", "cannot be read"),
        (b"\x62\xc0\x80", "cannot be read"),
        (b"\xa1\x61\xff\x01", "not UTF-8"),
        (b"\xc0\x61x", "cannot be read"),
        (b"\xd8\x1e\x82\x01\x00", "cannot be read"),
        (b"", "ends before"),
        (b"\x9f", "ends before"),
        (b"\xbf\x61a", "ends before"),
        (b"\x5f\x41a", "ends before"),
        (b"\xd8", "ends before"),
        (b"\x9a\xff\xff\xff\xff", "ends before"),
    ],
)
def test_what_is_refused(body, why):
    with pytest.raises(MalformedBody, match=why):
        decode(body)


def test_500_levels_are_read_and_more_are_refused():
    assert decode(b"\x81" * 499 + b"\x80") is not None
    assert decode(b"\xa1\x61a" * 499 + b"\xa0") is not None
    for body in (b"\x81" * 500 + b"\x80", b"\x9f" * 501 + b"\xff" * 501):
        with pytest.raises(MalformedBody, match="500 deep"):
            decode(body)


def test_8_tags_are_read_and_more_are_refused():
    assert decode(b"\xd9\xff\x00" * 8 + b"\x01").tag == 0xFF00
    with pytest.raises(MalformedBody, match="8 tags"):
        decode(b"\xd9\xff\x00" * 9 + b"\x01")


@pytest.mark.parametrize(
    "body",
    [
        b"\x99\x03\xe8" + b"\xa0" * 1000,
        b"\x9f" + b"\x01" * 1000 + b"\xff",
        b"\xb9\x01\xf4" + b"".join(cbor2.dumps(key) + b"\x01" for key in range(500)),
        b"\xbf" + b"".join(cbor2.dumps(key) + b"\x01" for key in range(500)) + b"\xff",
        b"\x7f" + b"\x61a" * 1000 + b"\xff",
    ],
)
def test_items_are_counted(body):
    assert cbor.decode(body, 1001)
    with pytest.raises(MalformedBody, match="more than 999 data items"):
        cbor.decode(body, 999)


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1" * 8_000_000 + b"\x01",
        b"\x9f" * 8_000_000,
        b"\xa1\x61a" * 3_000_000,
        b"\xd8\x1c\x81" * 3_000_000,
        b"\x9b\x00\x00\x00\x00\x00\x7f\xff\xff" + b"\xa0" * 8_000_000,
        b"\x82\xc4\x82\x00\xc2\x5a\x00\x7a\x12\x00" + b"\x01" * 8_000_000 + b"\x01",
        b"\x5f" + b"\x40" * 8_000_000 + b"\xff",
        b"\xa1" * 400 + b"\x59\x20\x00" + b"x" * 8192,
    ],
    ids=range(8),
)
def test_whatever_comes_is_refused_in_time_in_proportion_to_its_size(body):
    begin = time.process_time()
    with pytest.raises(MalformedBody):
        decode(body)
    assert time.process_time() - begin < 10  # some of these took minutes, or never ended


def test_values_of_applications_are_written():
    @dataclasses.dataclass
    class Size:
        width: int
        unit: object

    class Unit(enum.Enum):
        PIXEL = "px"

    value = {
        "size": Size(numpy.int64(3), Unit.PIXEL),
        "view": memoryview(b"ab"),
        "score": numpy.float32(0.5),
        "flag": numpy.bool_(True),
    }
    assert cbor2.loads(cbor.encode(value)) == {
        "size": {"width": 3, "unit": "px"},
        "view": b"ab",
        "score": 0.5,
        "flag": True,
    }


def test_what_cannot_be_written_is_explained():
    with pytest.raises(TypeError, match=r"Reply\(value, files=\[memory\(array\)\]\)"):
        cbor.encode({"a": numpy.arange(3)})
    with pytest.raises(TypeError, match="builtins.object cannot be written"):
        cbor.encode([object()])


def test_only_an_error_item_is_an_error_whatever_is_around_it():
    item = {"type": "a", "message": "b"}
    error = cbor2.CBORTag(messages.ERROR_ITEM, item)
    for body in (
        error,
        cbor2.CBORTag(999, error),
        cbor2.CBORTag(messages.ELEMENT, error),
        cbor2.CBORTag(messages.ENVELOPE, {"id": 1, "payload": cbor2.CBORTag(999, error)}),
    ):
        parsed = messages.parse(cbor2.dumps(body), MANY)
        assert parsed.kind == "error"
        assert (parsed.error().type, parsed.error().message) == ("a", "b")
    wide = b"\xdb\x00\x00\x00\x00\x49\x50\x53\x45" + cbor2.dumps(item)
    assert messages.parse(wide, MANY).kind == "error"


def test_end_and_cancel_are_around_null():
    for tag in (messages.END, messages.CANCEL):
        assert messages.parse(cbor2.dumps(cbor2.CBORTag(tag, None)), MANY).kind in ("end", "cancel")
        with pytest.raises(MalformedBody):
            messages.parse(cbor2.dumps(cbor2.CBORTag(tag, 1)), MANY)
    assert messages.is_cancel(messages.CANCEL_BODY)
    assert not messages.is_cancel(cbor2.dumps(cbor2.CBORTag(messages.CANCEL, 1)))
    assert not messages.is_cancel(b"\xf6")


@pytest.mark.parametrize(
    "item",
    [
        {"protocol": "2"},
        {"ready": 1},
        {"envelope": None},
        {"cancel": "yes"},
        {"lanes": 0},
        {"lanes": True},
        {"methods": "a"},
        {"methods": [1]},
        {"maxMessageSize": 0},
        {"maxMessageSize": 1.5},
        {"stackSignal": 0},
        {"stackSignal": 65},
        {"stackSignal": True},
        {"stackSignal": "SIGQUIT"},
        [],
    ],
)
def test_a_malformed_hello_is_refused(item):
    with pytest.raises(MalformedBody):
        messages.Hello.read(item)


def test_an_empty_hello_promises_nothing():
    assert messages.Hello.read({"unknown": 1}) == messages.Hello()
    assert messages.Hello().lanes == 1


def test_the_number_of_a_message_is_found_in_its_first_part():
    body = cbor2.dumps(cbor2.CBORTag(messages.ENVELOPE, {"id": 7, "payload": "x" * 1000}))
    assert messages.read_part(body[:100]) == (7, False)
    element = cbor2.CBORTag(messages.ELEMENT, "x" * 1000)
    body = cbor2.dumps(cbor2.CBORTag(messages.ENVELOPE, {"payload": element, "id": 7}))
    assert messages.read_part(body[:100]) == (None, True)
    assert messages.read_part(cbor2.dumps(element)[:100]) == (None, True)
    assert messages.read_part(b"\x9f\x9f") == (None, False)
