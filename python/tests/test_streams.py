"""Streamed replies, cancel and lanes, as a parent sees them that knows the wire format only."""

import os

import pytest

from conftest import eventually
from raw import CANCEL, ELEMENT, END, ENVELOPE, ERROR_ITEM, PATIENCE, Refused, envelope, tagged

APP = """
    import asyncio, pathlib, threading, time
    from tiny_ipc import App, Reply, memory
    app = App(concurrency=3)
    FOLDER = pathlib.Path(__file__).parent

    @app.handler()
    def echo(request):
        return request.payload

    @app.handler("count")
    def count(request):
        for number in range(request.payload):
            yield number

    @app.handler("list")
    def list_(request):
        return iter(request.payload)

    @app.handler("break")
    def break_(request):
        yield 1
        raise ValueError("broken")

    @app.handler("unwritable")
    def unwritable(request):
        try:
            yield 1
            yield object()
        finally:
            (FOLDER / "closed").touch()

    @app.handler("endless")
    def endless(request):
        try:
            while True:
                yield "x" * request.payload
        finally:
            (FOLDER / "closed").touch()

    @app.handler("wait")
    def wait(request):
        (FOLDER / "waiting").touch()
        while not request.cancelled:
            time.sleep(0.002)
        (FOLDER / "cancelled").touch()
        if request.payload == "check":
            request.check_cancelled()
        return "stopped"

    @app.handler("acount")
    async def acount(request):
        for number in range(request.payload):
            await asyncio.sleep(0)
            yield number

    @app.handler("aecho")
    async def aecho(request):
        await asyncio.sleep(0)
        return request.payload

    @app.handler("alist")
    async def alist(request):
        return iter(request.payload)

    @app.handler("afail")
    async def afail(request):
        raise ValueError("async")

    @app.handler("aendless")
    async def aendless(request):
        try:
            while True:
                yield "x" * request.payload
        finally:
            (FOLDER / "closed").touch()

    @app.handler("await")
    async def await_(request):
        try:
            (FOLDER / "waiting").touch()
            await asyncio.sleep(3600)
        finally:
            (FOLDER / "cancelled").touch()

    app.run()
"""


@pytest.fixture
def parent(start):
    parent = start(APP)
    parent.hello()
    return parent


def marks(parent):
    return {name for name in os.listdir(parent.stderr.parent)}


def elements(parent, number=None):
    """Reads a stream up to what ends it, and returns both."""
    found = []
    while True:
        item = parent.receive()
        if number is not None:
            assert item.tag == ENVELOPE and item.value["id"] == number
            item = item.value["payload"]
        if item.tag != ELEMENT:
            return found, item
        found.append(item.value)


def ends_as_cancelled(parent):
    """Whatever was sent before the child stopped, it ends with an error item."""
    _, end = elements(parent)
    return end.tag == ERROR_ITEM and end.value["type"] == "Cancelled"


@pytest.mark.parametrize("method", ["count", "acount"])
def test_a_generator_streams_its_elements_and_an_end(parent, method):
    parent.send(envelope(3, method=method))
    assert elements(parent) == ([0, 1, 2], tagged(END, None))


@pytest.mark.parametrize("method", ["count", "acount"])
def test_a_stream_may_be_empty(parent, method):
    parent.send(envelope(0, method=method))
    assert elements(parent) == ([], tagged(END, None))


@pytest.mark.parametrize("method", ["list", "alist"])
def test_an_iterator_is_streamed_too(parent, method):
    parent.send(envelope([1, "a"], id=5, method=method))
    assert elements(parent, 5) == ([1, "a"], tagged(END, None))


@pytest.mark.parametrize("method", ["count", "acount"])
def test_each_message_of_a_stream_has_the_number_of_its_request(parent, method):
    parent.send(envelope(2, id=77, method=method))
    assert elements(parent, 77) == ([0, 1], tagged(END, None))


def test_an_error_takes_the_place_of_the_end(parent):
    parent.send(envelope(1, method="break"))
    found, end = elements(parent)
    assert found == [1]
    assert end == tagged(ERROR_ITEM, {"type": "ValueError", "message": "broken"})


def test_an_element_that_cannot_be_written_ends_the_stream_and_closes_the_generator(parent):
    parent.send(envelope(1, method="unwritable"))
    found, end = elements(parent)
    assert (found, end.tag) == ([1], ERROR_ITEM)
    assert "closed" in marks(parent)


def test_async_handlers_reply_and_fail_like_others(parent):
    assert parent.ask(envelope("a", id=1, method="aecho")).value == {"id": 1, "payload": "a"}
    assert parent.ask(envelope(1, method="afail")).value == {
        "type": "ValueError",
        "message": "async",
    }


@pytest.mark.parametrize("method", ["endless", "aendless"])
@pytest.mark.parametrize("size", [1, 100_000])
def test_cancel_closes_the_generator_and_ends_the_stream(parent, method, size):
    parent.send(envelope(size, method=method))
    assert parent.receive().value == "x" * size
    parent.send(tagged(CANCEL, None))
    assert ends_as_cancelled(parent)
    assert "closed" in marks(parent)
    assert parent.ask("in step") == "in step"


def test_cancel_is_seen_by_a_handler_that_looks(parent):
    parent.send(envelope("look", method="wait"))
    eventually(lambda: "waiting" in marks(parent))
    assert parent.is_silent()
    parent.send(tagged(CANCEL, None))
    assert parent.receive() == "stopped"
    assert parent.ask("in step") == "in step"


def test_check_cancelled_answers_with_an_error_item_of_that_type(parent):
    parent.send(envelope("check", id=3, method="wait"))
    eventually(lambda: "waiting" in marks(parent))
    parent.send_body(b"\xdb\x00\x00\x00\x00\x49\x50\x53\x49\xf6")
    reply = parent.receive().value
    assert (reply["id"], reply["payload"].value["type"]) == (3, "Cancelled")


def test_cancel_cancels_the_task_of_an_async_handler(parent):
    parent.send(envelope(1, method="await"))
    eventually(lambda: "waiting" in marks(parent))
    parent.send(tagged(CANCEL, None))
    assert parent.receive().value["type"] == "Cancelled"
    assert "cancelled" in marks(parent)


def test_an_async_handler_that_is_cancelled_before_it_begins_leaves_no_warning(parent):
    for _ in range(300):
        parent.send(envelope(1, method="await"))
        parent.send(tagged(CANCEL, None))
        assert parent.receive().value["type"] == "Cancelled"
    assert parent.end() == 0
    assert "never awaited" not in parent.stderr.read_text()


def test_a_cancel_that_comes_after_the_reply_is_ignored(parent):
    assert parent.ask(1) == 1
    parent.send(tagged(CANCEL, None))
    parent.send(tagged(CANCEL, None))
    assert parent.ask(2) == 2
    assert parent.is_silent()


def test_a_cancel_is_for_the_request_before_it_and_not_for_the_one_that_is_served(parent):
    parent.send(envelope(3, method="count"))
    parent.send(envelope(1, method="endless"))
    parent.send(tagged(CANCEL, None))
    assert elements(parent) == ([0, 1, 2], tagged(END, None))
    assert ends_as_cancelled(parent)
    assert parent.ask("in step") == "in step"


def test_without_invitation_a_cancel_is_a_request(start):
    parent = start(APP.replace('"count"', '"unused"'), invite=False)
    assert parent.ask(tagged(CANCEL, None)).value["type"] == "MalformedBody"


def test_the_end_of_the_parent_closes_generators(start):
    parent = start(APP)
    parent.hello()
    parent.send(envelope(1000, method="endless"))
    parent.receive()
    assert parent.end() == 0
    assert "closed" in marks(parent)


GRACE = """
    import asyncio, pathlib, time
    from tiny_ipc import App
    app = App(grace=GRACE)
    FOLDER = pathlib.Path(__file__).parent

    @app.handler("finish")
    async def finish(request):
        (FOLDER / "waiting").touch()
        while not request.cancelled:
            await asyncio.sleep(0.001)
        (FOLDER / "finished").touch()

    @app.handler("hang")
    async def hang(request):
        try:
            (FOLDER / "waiting").touch()
            await asyncio.sleep(3600)
        finally:
            (FOLDER / "cancelled").touch()

    @app.handler("block")
    def block(request):
        (FOLDER / "waiting").touch()
        time.sleep(3600)

    app.run()
"""


@pytest.mark.parametrize(
    "method, grace, mark", [("finish", 60, "finished"), ("hang", 0, "cancelled"), ("block", 0, "")]
)
def test_after_the_end_of_the_parent_handlers_have_some_time(start, method, grace, mark):
    parent = start(GRACE.replace("GRACE)", f"{grace})"))
    parent.hello()
    parent.send(envelope(1, method=method))
    eventually(lambda: "waiting" in marks(parent))
    assert parent.end() == 0
    assert not mark or mark in marks(parent)


def test_a_slow_receiver_makes_the_child_wait(parent):
    parent.send(envelope(50_000, method="endless"))
    for _ in range(200):
        assert len(parent.receive().value) == 50_000
    with open(f"/proc/{parent.process.pid}/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS"))
    assert int(line.split()[1]) < 100_000  # KiB
    parent.send(tagged(CANCEL, None))
    assert ends_as_cancelled(parent)


def test_lanes_are_served_at_the_same_time(parent):
    first, second = parent, parent.open_lane()
    first.send(envelope("look", method="wait"))
    eventually(lambda: "waiting" in marks(parent))
    assert second.ask("meanwhile") == "meanwhile"
    second.send(envelope(2, id=1, method="count"))
    assert elements(second, 1) == ([0, 1], tagged(END, None))
    first.send(tagged(CANCEL, None))
    assert first.receive() == "stopped"
    second.close()


def test_there_are_no_more_lanes_than_announced(parent):
    lanes = [parent.open_lane(), parent.open_lane()]
    with pytest.raises(Refused, match="NoLane"):
        parent.open_lane()
    assert parent.ask("still") == "still"
    lanes.pop().close()
    eventually(lambda: _opens(parent, lanes))
    for lane in lanes:
        assert lane.ask(1) == 1
        lane.close()


def _opens(parent, lanes):
    try:
        lanes.append(parent.open_lane())
    except Refused:
        return False
    return True


def test_null_without_a_socket_is_a_request_like_any_other(parent):
    assert parent.ask(None) is None
    with open("/dev/null") as file:
        assert parent.ask(None, file) is None
    assert parent.ask(envelope(None, method="count")).value["type"] == "TypeError"


@pytest.mark.parametrize("method", ["wait", "await"])
def test_the_end_of_a_lane_cancels_its_exchange_and_nothing_else(parent, method):
    lane = parent.open_lane()
    lane.send(envelope("look", method=method))
    eventually(lambda: "waiting" in marks(parent))
    lane.close()
    eventually(lambda: "cancelled" in marks(parent))
    assert parent.ask("still here") == "still here"
    assert parent.end() == 0


def test_a_broken_frame_on_a_lane_costs_the_lane_only(parent):
    lane = parent.open_lane()
    lane.send_packet(b"123")
    assert lane.is_closed()
    lane.close()
    assert parent.ask("still here") == "still here"
    assert parent.end() == 0


def test_the_end_of_the_first_socket_ends_the_child_also_with_lanes_open(parent):
    lane = parent.open_lane()
    assert lane.ask(1) == 1
    assert parent.end() == 0
    lane.close()


def test_a_million_small_elements_need_no_more_memory_than_a_few(start):
    parent = start(APP)
    parent.hello()
    parent.send(envelope(1_000_000, method="count"))
    peak, expected = [], 0
    sock, head = parent.sock, b"\xda\x49\x50\x53\x47"
    sock.settimeout(PATIENCE)
    while True:
        packet = sock.recv(1 << 16)
        if packet[8:13] != head:
            break
        if expected in (1_000, 999_999):
            with open(f"/proc/{parent.process.pid}/status") as status:
                peak += [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
        expected += 1
    assert expected == 1_000_000
    assert packet[8:13] == b"\xda\x49\x50\x53\x48"
    assert peak[1] - peak[0] < 4_000  # KiB
