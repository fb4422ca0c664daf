"""Requests and replies, as a parent sees them that knows the wire format only."""

import signal
import subprocess
import sys

import cbor2
import pytest

from conftest import eventually
from raw import ELEMENT, ENVELOPE, ERROR_ITEM, Closed, envelope, tagged
from tiny_ipc import App, NoLane

APP = """
    from tiny_ipc import App
    app = App()

    @app.handler()
    def echo(request):
        return request.payload

    @app.handler("scale")
    def scale(request):
        return {"width": request.payload["width"] * 2}

    @app.handler("about")
    def about(request):
        left = request.deadline
        return {"method": request.method, "headers": dict(request.headers),
                "has_deadline": left is not None, "files": len(request.files)}

    @app.handler("fail")
    def fail(request):
        raise ValueError(request.payload)

    @app.handler("exit")
    def exit(request):
        raise SystemExit(3)

    @app.handler("set")
    def set_(request):
        return object()

    app.run()
"""

SHORT_APP = """
from tiny_ipc import App
app = App()
app.handler()(lambda request: request.payload)
app.run()
"""


def error_of(reply):
    assert reply.tag == ERROR_ITEM, reply
    assert set(reply.value) == {"type", "message"}
    return reply.value["type"], reply.value["message"]


def test_hello_says_what_the_app_can_do(start):
    parent = start(APP, TINY_IPC_MAX_MESSAGE_SIZE="12345")
    assert parent.hello() == {
        "protocol": 2,
        "ready": True,
        "envelope": True,
        "cancel": True,
        "lanes": 1,
        "methods": ["", "about", "exit", "fail", "scale", "set"],
        "maxMessageSize": 12345,
        "stackSignal": int(signal.SIGQUIT),
    }


def test_the_signal_of_the_hello_prints_all_stacks_and_the_child_goes_on(start):
    parent = start(
        """
        import time
        from tiny_ipc import App
        app = App(concurrency=2)

        @app.handler()
        def stuck(request):
            time.sleep(request.payload)
            return "done"

        app.run()
        """
    )
    number = parent.hello()["stackSignal"]
    parent.send(1)
    eventually(lambda: "in stuck" in (parent.process.send_signal(number) or parent.log()))
    assert "most recent call first" in parent.log()
    assert parent.receive() == "done"
    assert parent.ask(0) == "done"
    assert parent.end() == 0


def test_a_signal_that_the_application_handles_itself_is_not_named(start):
    parent = start("import signal\nsignal.signal(signal.SIGQUIT, signal.SIG_IGN)\n" + SHORT_APP)
    assert "stackSignal" not in parent.hello()


def test_without_invitation_there_is_no_hello_and_bare_requests_are_answered(start):
    parent = start(APP, invite=False)
    assert parent.ask({"a": [1, "b", None]}) == {"a": [1, "b", None]}
    assert parent.end() == 0


def test_without_invitation_null_with_a_socket_is_a_request_like_any_other(start):
    parent = start(APP, invite=False)
    with parent.sock.dup() as sock:
        assert parent.ask(None, sock) is None
    assert parent.ask("next") == "next"


def test_without_invitation_the_only_handler_answers_requests_without_method(start):
    app = """
        from tiny_ipc import App
        app = App()

        @app.handler("scale")
        def scale(request):
            return request.payload * 2

        app.run()
    """
    assert start(app, invite=False).ask(4) == 8
    parent = start(app)
    parent.hello()
    assert error_of(parent.ask(4))[0] == "UnknownMethod"


def test_an_envelope_is_answered_with_its_number(start):
    parent = start(APP)
    parent.hello()
    for number in (1, 7, 2**32, 2**64 - 1):
        reply = parent.ask(envelope({"width": 4}, id=number, method="scale"))
        assert (reply.tag, reply.value) == (ENVELOPE, {"id": number, "payload": {"width": 8}})


def test_an_envelope_without_number_and_a_bare_request_are_answered_bare(start):
    parent = start(APP)
    parent.hello()
    assert parent.ask(envelope({"width": 4}, method="scale")) == {"width": 8}
    assert parent.ask([1]) == [1]


def test_keys_of_an_envelope_may_be_in_any_order_and_unknown_ones_are_ignored(start):
    parent = start(APP)
    parent.hello()
    item = {"payload": 1, "later": {"x": [1]}, "headers": {"a": "b"}, "method": "about", "id": 3}
    reply = parent.ask(tagged(ENVELOPE, item)).value
    assert reply["payload"]["headers"] == {"a": "b"}
    assert reply["payload"]["method"] == "about"


def test_an_envelope_of_indefinite_length_with_wide_heads_is_read(start):
    parent = start(APP)
    parent.hello()
    key = b"\x7f\x64meth\x62od\xff"
    parent.send_body(
        b"\xdb\x00\x00\x00\x00\x49\x50\x53\x46\xbf"
        + (key + b"\x78\x05scale")
        + (b"\x79\x00\x02id" + b"\x1b\0\0\0\0\0\0\0\x05")
        + (b"\x67payload" + b"\xbf\x65width\x19\x00\x03\xff")
        + b"\xff"
    )
    assert parent.receive().value == {"id": 5, "payload": {"width": 6}}


@pytest.mark.parametrize(
    "content",
    [
        {"id": 1},
        {"id": -1, "payload": 1},
        {"id": "1", "payload": 1},
        {"id": 2**64, "payload": 1},
        {"id": 1.0, "payload": 1},
        {"method": 1, "payload": 1},
        {"method": None, "payload": 1},
        {"headers": [], "payload": 1},
        {"headers": {"a": 1}, "payload": 1},
        {"headers": {1: "a"}, "payload": 1},
        [1],
        None,
        tagged(ENVELOPE, {"payload": 1}),
        tagged(55799, {"payload": 1}),
    ],
)
def test_a_malformed_envelope_is_answered_with_a_bare_error_item(start, content):
    parent = start(APP)
    parent.hello()
    assert error_of(parent.ask(tagged(ENVELOPE, content)))[0] == "MalformedBody"
    assert parent.ask("next") == "next"


def test_an_envelope_with_a_key_twice_is_malformed(start):
    parent = start(APP)
    parent.hello()
    parent.send_body(b"\xda\x49\x50\x53\x46\xa3\x62id\x01\x67payload\x01\x62id\x02")
    assert "twice" in error_of(parent.receive())[1]


def test_an_unknown_method_is_answered_with_an_error_item_in_an_envelope(start):
    parent = start(APP)
    parent.hello()
    reply = parent.ask(envelope(1, id=9, method="rotate"))
    assert reply.value["id"] == 9
    kind, message = error_of(reply.value["payload"])
    assert kind == "UnknownMethod"
    assert "'rotate'" in message and "'scale'" in message


def test_an_exception_becomes_an_error_item_and_a_traceback_in_the_log(start):
    parent = start(APP)
    parent.hello()
    assert error_of(parent.ask(envelope("no picture!", method="fail"))) == (
        "ValueError",
        "no picture!",
    )
    assert parent.ask("next") == "next"
    assert parent.end() == 0
    assert "Traceback" in parent.log() and "ValueError: no picture!" in parent.log()


def test_the_message_of_an_error_is_cut(start):
    parent = start(APP)
    parent.hello()
    _, message = error_of(parent.ask(envelope("ä" * 20_000, method="fail")))
    assert message == "ä" * 16_384


def test_an_error_whose_message_is_no_utf8_is_sent_nevertheless(start):
    parent = start(
        """
        from tiny_ipc import App
        app = App()

        @app.handler()
        def fail(request):
            raise ValueError("file \\udcff")

        app.run()
        """
    )
    parent.hello()
    assert error_of(parent.ask(1)) == ("ValueError", "file ?")


def test_a_handler_that_exits_costs_its_request_only(start):
    parent = start(APP)
    parent.hello()
    assert error_of(parent.ask(envelope(1, method="exit"))) == ("SystemExit", "3")
    assert parent.ask("next") == "next"


def test_a_reply_that_cannot_be_written_is_an_error_item(start):
    parent = start(APP)
    parent.hello()
    kind, message = error_of(parent.ask(envelope(1, method="set")))
    assert kind == "TypeError"
    assert "builtins.object cannot be written as CBOR" in message


def test_the_deadline_is_known_to_the_handler(start):
    parent = start(APP)
    parent.hello()
    headers = {"deadline-ms": "60000"}
    assert parent.ask(envelope(1, method="about", headers=headers))["has_deadline"]
    assert not parent.ask(envelope(1, method="about"))["has_deadline"]
    headers = {"deadline-ms": "soon"}
    assert not parent.ask(envelope(1, method="about", headers=headers))["has_deadline"]


def test_a_request_whose_deadline_has_passed_is_not_handled(start):
    parent = start(APP)
    parent.hello()
    request = envelope("no", id=1, method="fail", headers={"deadline-ms": "0"})
    reply = parent.ask(request)
    assert error_of(reply.value["payload"])[0] == "DeadlineExceeded"


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x82\x01", b"\x01\x01", b"\x1c", b"\xc2" * 9 + b"\x40"]
)
def test_a_malformed_body_is_answered_and_the_next_request_served(start, body):
    parent = start(APP)
    parent.hello()
    parent.send_body(body)
    assert error_of(parent.receive())[0] == "MalformedBody"
    assert parent.ask("next") == "next"


@pytest.mark.parametrize("tag", [ELEMENT, ERROR_ITEM, ERROR_ITEM + 5])
def test_what_only_answers_can_be_is_no_request(start, tag):
    parent = start(APP)
    parent.hello()
    assert error_of(parent.ask(tagged(tag, {"type": "a", "message": "b"})))[0] == "MalformedBody"


def test_large_messages_go_both_ways(start):
    parent = start(APP)
    parent.hello()
    text = "0123456789" * 300_000
    assert parent.ask(text) == text


def test_messages_behind_one_that_is_being_served_are_served_in_order(start):
    parent = start(APP)
    parent.hello()
    for number in range(20):
        parent.send(number)
    assert [parent.receive() for _ in range(20)] == list(range(20))


def test_a_message_over_the_limit_is_answered_and_the_socket_stays_usable(start):
    parent = start(APP, TINY_IPC_MAX_MESSAGE_SIZE="100000")
    parent.hello()
    kind, message = error_of(parent.ask("x" * 500_000))
    assert kind == "MessageTooLarge"
    assert "500005" in message and "100000" in message
    reply = parent.ask(envelope("x" * 500_000, id=4))
    assert reply.tag == ERROR_ITEM or reply.value["id"] == 4
    request = b"\xda\x49\x50\x53\x46\xa2\x62id\x07\x67payload"
    parent.send_body(request + cbor2.dumps("x" * 500_000))
    reply = parent.receive()
    assert reply.value["id"] == 7
    assert error_of(reply.value["payload"])[0] == "MessageTooLarge"
    assert parent.ask("next") == "next"


def test_descriptors_of_a_message_over_the_limit_are_closed(start):
    parent = start(APP, TINY_IPC_MAX_MESSAGE_SIZE="100000")
    parent.hello()
    assert parent.ask("first") == "first"
    before = parent.descriptors()
    with open("/dev/null") as file:
        assert error_of(parent.ask("x" * 500_000, file, file))[0] == "MessageTooLarge"
    eventually(lambda: parent.descriptors() == before)


def test_a_reply_over_the_limit_is_an_error_item(start):
    parent = start(
        """
        from tiny_ipc import App
        app = App()

        @app.handler()
        def large(request):
            return b"x" * request.payload

        app.run()
        """,
        TINY_IPC_MAX_MESSAGE_SIZE="100000",
    )
    parent.hello()
    assert error_of(parent.ask(200_000))[0] == "MessageTooLarge"
    assert parent.ask(10) == b"x" * 10


def test_numbers_over_64_bits_are_written_so_that_jackson_reads_them(start):
    parent = start(APP)
    parent.hello()
    for number in (2**64, 2**71, 2**72 - 1, -(2**72)):
        parent.send({"n": [number, b"\xc2\x49\xff", number]})
        body, _ = parent.receive_body()
        assert cbor2.loads(body) == {"n": [number, b"\xc2\x49\xff", number]}
        content = body[body.index(b"\xc2" if number > 0 else b"\xc3") + 2 :]
        assert content[0] < 0x80


def test_the_end_of_the_socket_ends_the_child_well(start):
    parent = start(APP)
    parent.hello()
    assert parent.ask(1) == 1
    assert parent.end() == 0


def test_a_parent_that_is_gone_before_the_hello_ends_the_child_well(start):
    parent = start(APP)
    assert parent.end() == 0


def test_a_message_that_was_sent_before_the_end_is_still_handled(start, tmp_path):
    path = tmp_path / "done"
    parent = start(
        f"""
        import time
        from tiny_ipc import App
        app = App()

        @app.handler()
        def note(request):
            time.sleep(0.05)
            with open({str(path)!r}, "a") as file:
                file.write(str(request.payload))

        app.run()
        """,
    )
    for number in range(5):
        parent.send(number)
    assert parent.end() == 0
    assert path.read_text() == "01234"


def test_variables_of_tiny_ipc_are_not_inherited_further(start):
    parent = start(
        """
        import os
        from tiny_ipc import App
        app = App()

        @app.handler()
        def variables(request):
            return sorted(name for name in os.environ if name.startswith("TINY_IPC_"))

        app.run()
        """,
        TINY_IPC_GUARD="g",
        TINY_IPC_CHILD="worker",
        TINY_IPC_LOG_PREFIX="1",
    )
    parent.hello()
    assert parent.ask(1) == ["TINY_IPC_GUARD"]


def test_sigterm_is_ignored_while_the_parent_is_there(start):
    parent = start(APP)
    parent.hello()
    parent.terminate()
    assert parent.ask("still here") == "still here"
    assert parent.end() == 0


def test_sigterm_ends_a_child_that_hangs_after_its_parent_has_gone(start):
    parent = start(
        """
        import threading
        from tiny_ipc import App
        app = App(grace=3600)

        @app.handler()
        def hang(request):
            print("hanging", flush=True)
            threading.Event().wait()

        app.run()
        """,
    )
    parent.hello()
    parent.send(1)
    parent.close()
    parent.terminate()
    assert parent.exit_code() == -15


def test_it_is_not_ready_before_it_says_so(start, tmp_path):
    started, gate = tmp_path / "started", tmp_path / "gate"
    parent = start(
        f"""
        import pathlib, time
        from tiny_ipc import App
        app = App()

        @app.handler()
        def echo(request):
            return request.payload

        app.start()
        pathlib.Path({str(started)!r}).touch()
        while not pathlib.Path({str(gate)!r}).exists():
            time.sleep(0.005)
        app.ready()
        app.wait()
        """
    )
    eventually(started.exists)
    parent.terminate()  # is survived while the model loads, too
    parent.send("early")
    assert parent.is_silent()
    gate.touch()
    parent.hello()
    assert parent.receive() == "early"


def test_a_program_that_is_no_child_says_so(script):
    program = script("from tiny_ipc import App\nApp().run()\n")
    result = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert result.returncode != 0
    assert "was not started as a child" in result.stderr


def test_handlers_are_registered_once_and_with_parentheses():
    app = App(logging=False)
    app.handler("a")(print)
    with pytest.raises(ValueError, match="'a' has a handler already"):
        app.handler("a")
    with pytest.raises(TypeError, match="with parentheses"):
        app.handler(print)
    with pytest.raises(ValueError, match="at least 1"):
        App(0, logging=False)


def test_steps_in_the_wrong_order_are_refused():
    app = App(logging=False)
    with pytest.raises(RuntimeError):
        app.ready()
    with pytest.raises(RuntimeError):
        app.wait()
    with pytest.raises(NoLane, match=r"Call ready\(\) before"):
        app.parent.call("font")


def test_a_closed_socket_is_seen_as_such(start):
    parent = start(APP)
    parent.hello()
    parent.process.kill()
    with pytest.raises(Closed):
        parent.receive()
