"""Calls of the child to a parent that knows the wire format only."""

import pytest

from conftest import eventually
from raw import (
    CANCEL,
    ELEMENT,
    END,
    ERROR_ITEM,
    accept_lane,
    answer,
    envelope,
    loads,
    next_call,
    refuse_lanes,
    tagged,
)

APP = """
    import threading
    from tiny_ipc import App, IpcError, RemoteError
    app = App(concurrency=3)

    @app.handler()
    def call(request):
        options = dict(request.payload)
        try:
            return request.parent.call(options.pop("method"), **options)
        except IpcError as error:
            return [type(error).__name__, str(error)]

    @app.handler("app")
    def call_of_app(request):
        return app.parent.call("font", request.payload)

    @app.handler("files")
    def files(request):
        with request.parent.ask("font") as reply:
            return reply.files[0].open().read()

    @app.handler("stream")
    def stream(request):
        for element in request.parent.stream("pages"):
            yield element

    @app.handler("first")
    def first(request):
        with request.parent.stream("pages") as pages:
            return next(pages)

    @app.handler("remote")
    def remote(request):
        try:
            request.parent.call("font")
        except RemoteError as error:
            return [error.type, error.message]

    app.run()
"""


@pytest.fixture
def parent(start):
    parent = start(APP)
    parent.hello()
    return parent


def test_a_call_is_answered_by_the_parent_during_a_request(parent):
    parent.send({"method": "font", "payload": {"name": "Arial"}})
    refuse_lanes(parent.calls)
    number, call = next_call(parent.calls)
    assert (call["method"], call["payload"]) == ("font", {"name": "Arial"})
    answer(parent.calls, number, "ttf")
    assert parent.receive() == "ttf"


def test_a_call_carries_trace_headers_and_ends_with_the_deadline_of_its_request(parent):
    headers = {"traceparent": "00-1", "baggage": "a=b", "other": "x", "deadline-ms": "20000"}
    parent.send(envelope({"method": "font"}, headers=headers))
    refuse_lanes(parent.calls)
    number, call = next_call(parent.calls)
    left = int(call["headers"].pop("deadline-ms"))
    assert 0 < left <= 20_000
    assert call["headers"] == {"traceparent": "00-1", "baggage": "a=b"}
    answer(parent.calls, number, 1)
    assert parent.receive() == 1


def test_the_numbers_of_calls_are_different(parent):
    numbers = []
    for round in range(3):
        parent.send(envelope(round, method="app"))
        if round == 0:
            refuse_lanes(parent.calls)
        number, call = next_call(parent.calls)
        assert call["payload"] == round
        numbers.append(number)
        answer(parent.calls, number, round)
        assert parent.receive() == round
    assert numbers == sorted(set(numbers))


def test_several_calls_go_over_several_lanes(parent):
    second = parent.open_lane()
    parent.send({"method": "one"})
    lane = accept_lane(parent.calls)
    first_number, call = next_call(parent.calls)
    assert call["method"] == "one"
    second.send({"method": "two"})
    third_lane = accept_lane(lane)
    number, call = next_call(lane)
    assert call["method"] == "two"
    answer(lane, number, 2)
    assert second.receive() == 2
    answer(parent.calls, first_number, 1)
    assert parent.receive() == 1
    for sock in (lane, third_lane, second):
        sock.close()


def test_a_call_that_finds_no_lane_says_so_in_time(parent):
    second = parent.open_lane()
    parent.send({"method": "one"})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    kind, message = second.ask({"method": "two", "timeout": 0.05})
    assert kind == "NoLane"
    assert "was not sent" in message
    answer(parent.calls, number, 1)
    assert parent.receive() == 1
    second.close()


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_parent_that_closes_the_socket_for_calls_fails_them(parent, when):
    if when == "before":
        parent.calls.close()
        kind, message = parent.ask({"method": "one"})
        assert kind == "NoLane"
    else:
        parent.send({"method": "one"})
        refuse_lanes(parent.calls)
        parent.calls.receive()
        parent.calls.close()
        kind, message = parent.receive()
        assert kind == "PeerGone"
    assert parent.ask({"method": "one"})[0] == "NoLane"
    assert parent.end() == 0


def test_without_invitation_the_parent_cannot_be_called(start):
    parent = start(APP.replace('"app"', '"x"'), invite=False)
    kind, message = parent.ask({"method": "one"})
    assert kind == "NoLane"
    assert "does not serve calls" in message


def test_an_error_item_is_raised_as_remote_error(parent):
    parent.send(envelope(1, method="remote"))
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, tagged(ERROR_ITEM, {"type": "A", "message": "b", "more": 1}))
    assert parent.receive() == ["A", "b"]
    parent.send(envelope(1, method="remote"))
    next_call(parent.calls)
    parent.calls.send(tagged(999, tagged(ERROR_ITEM, {"type": "bare", "message": ""})))
    assert parent.receive() == ["bare", ""]
    parent.send(envelope(1, method="remote"))
    next_call(parent.calls)
    parent.calls.send(tagged(ERROR_ITEM, [1]))
    assert parent.receive()[0] == "unknown"


def test_a_timeout_cancels_the_call_and_the_lane_is_used_again(parent):
    parent.send({"method": "slow", "timeout": 0.05})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    assert parent.receive()[0] == "CallTimeout"
    assert parent.calls.receive() == tagged(CANCEL, None)
    answer(parent.calls, number, tagged(ERROR_ITEM, {"type": "Cancelled", "message": ""}))
    parent.send({"method": "next"})
    number, call = next_call(parent.calls)
    assert call["method"] == "next"
    answer(parent.calls, number, "on time")
    assert parent.receive() == "on time"


def test_a_reply_with_another_number_reaches_nobody(parent):
    parent.send({"method": "one"})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number + 1, "of somebody else")
    assert parent.receive()[0] == "ProtocolFault"
    assert parent.calls.is_closed()
    assert parent.end() == 0


def test_a_second_reply_reaches_nobody(parent):
    parent.send({"method": "one"})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, "first")
    assert parent.receive() == "first"
    answer(parent.calls, number, "second")
    assert parent.ask({"method": "one"})[0] == "ProtocolFault"


def test_a_stream_of_the_parent_is_read_element_by_element(parent):
    parent.send(envelope(1, method="stream"))
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, tagged(ELEMENT, "a"))
    assert parent.receive() == tagged(ELEMENT, "a")
    parent.calls.send(tagged(ELEMENT, ["b"]))  # bare is fine, too
    assert parent.receive() == tagged(ELEMENT, ["b"])
    answer(parent.calls, number, tagged(END, None))
    assert parent.receive() == tagged(END, None)


def test_closing_a_stream_cancels_it(parent):
    parent.send(envelope(1, method="first"))
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, tagged(ELEMENT, "a"))
    assert parent.receive() == "a"
    assert parent.calls.receive() == tagged(CANCEL, None)
    answer(parent.calls, number, tagged(ELEMENT, "dropped"))
    answer(parent.calls, number, tagged(END, None))
    parent.send({"method": "next"})
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, 1)
    assert parent.receive() == 1


def test_a_call_that_is_answered_by_a_stream_fails_and_cancels(parent):
    parent.send({"method": "one"})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, tagged(ELEMENT, "a"))
    assert parent.calls.receive() == tagged(CANCEL, None)
    assert parent.receive().value["message"] == "The reply is a stream: call stream() for it"


def test_files_of_a_reply_arrive_and_are_closed(parent, tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    parent.send(envelope(1, method="files"))
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    before = parent.descriptors()
    with open(tmp_path / "file", "rb") as file:
        answer(parent.calls, number, None, file, file)
    assert parent.receive() == b"content"
    eventually(lambda: parent.descriptors() == before)


def test_a_reply_over_the_limit_fails_its_call_only(start):
    parent = start(APP, TINY_IPC_MAX_MESSAGE_SIZE="100000")
    parent.hello()
    parent.send({"method": "one"})
    refuse_lanes(parent.calls)
    number, _ = next_call(parent.calls)
    answer(parent.calls, number, "x" * 200_000)
    assert parent.receive()[0] in ("MessageTooLarge", "ProtocolFault")


def test_loads_makes_what_is_in_tags_comparable():
    assert loads(b"\xd9\x03\xe7\x81\x01").value == [1]
