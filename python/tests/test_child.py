"""Both roles against each other, and the parent's role against children that know less."""

import os
import pathlib
import signal
import socket
import sys
import threading
import time

import pytest

from conftest import eventually
from tiny_ipc import (
    CallTimeout,
    Child,
    Handlers,
    MessageTooLarge,
    NoLane,
    PeerGone,
    ProtocolFault,
    RemoteError,
    memory,
)

INTEROP = pathlib.Path(__file__).parents[2] / "interop" / "python"

APP = """
    import asyncio, os, sys, time
    from tiny_ipc import App, Reply, memory
    app = App(concurrency=4)

    @app.handler()
    def echo(request):
        return request.payload

    @app.handler("count")
    def count(request):
        for number in range(request.payload):
            yield number

    @app.handler("lines")
    def lines(request):
        for number in range(request.payload):
            yield Reply(number, files=[memory(b"%d" % number)])

    @app.handler("about")
    def about(request):
        return {"fds": sorted(map(int, os.listdir("/proc/self/fd"))), "method": request.method,
                "headers": dict(request.headers), "group": os.getpgid(0) == os.getpid()}

    @app.handler("sleep")
    async def sleep(request):
        await asyncio.sleep(request.payload)
        return "slept"

    @app.handler("exit")
    def exit(request):
        os._exit(request.payload)

    @app.handler("fail")
    def fail(request):
        raise KeyError("nothing")

    @app.handler("size")
    def size(request):
        return [file.size for file in request.files]

    @app.handler("memory")
    def memory_(request):
        return Reply(None, files=[memory(request.payload)])

    @app.handler("ask")
    def ask(request):
        return request.parent.call("double", request.payload)

    @app.handler("ask stream")
    def ask_stream(request):
        yield from request.parent.stream("letters", request.payload)

    @app.handler("fork")
    def fork(request):
        if os.fork() == 0:
            time.sleep(3600)

    app.run()
"""

RAW_CHILD = """
    import cbor2, os, socket, struct, sys, time
    parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
    def receive():
        return cbor2.loads(parent.recv(1 << 19)[8:])
    def send(item):
        body = cbor2.dumps(item)
        parent.send(struct.pack("=Q", len(body)) + body)
    HELLO = {"envelope": True, "cancel": True}
    def tag(number, value):
        return cbor2.CBORTag(1230000900 + number, value)
    def envelope(id, payload):
        return tag(66, {"id": id, "payload": payload})
"""


@pytest.fixture
def app(script):
    with Child([sys.executable, script(APP)], ready=True) as child:
        yield child
    assert child.returncode == 0


def raw_child(script, code, **options):
    lines = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return Child([sys.executable, script(RAW_CHILD + lines)], **options)


def test_the_hello_is_known_once_the_child_is_ready(app):
    assert app.hello.protocol == 2
    assert app.hello.envelope and app.hello.cancel
    assert app.hello.lanes == 4
    assert "count" in app.hello.methods and "" in app.hello.methods


def test_calls_are_answered(app):
    assert app.call({"a": [1, None]}) == {"a": [1, None]}
    about = app.call(method="about", headers={"x": "y"})
    assert about["method"] == "about"
    assert about["headers"]["x"] == "y"
    assert 0 < int(about["headers"]["deadline-ms"]) <= 30_000
    assert about["group"]


def test_the_socket_is_descriptor_3_and_nothing_else_is_inherited(script):
    program = script(
        """
        import cbor2, os, socket, struct
        numbers = sorted(map(int, os.listdir("/proc/self/fd")))
        zero = os.readlink("/proc/self/fd/0")
        parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
        parent.recv(1 << 19)
        body = cbor2.dumps([numbers[:-1], zero, parent.fileno()])  # the last one is that of listdir
        parent.send(struct.pack("=Q", len(body)) + body)
        """
    )
    read, write = os.pipe()
    os.set_inheritable(read, True)
    with Child([sys.executable, program]) as child:
        assert child.call() == [[0, 1, 2, 3], "/dev/null", 3]
    os.close(read)
    os.close(write)


def test_files_go_both_ways(app):
    with memory(b"12345") as sealed, open(__file__) as file:
        assert app.call(files=[sealed, file], method="size") == [5, os.path.getsize(__file__)]
    with app.ask(b"content", method="memory") as reply:
        assert bytes(reply.files[0].mmap()) == b"content"
    assert app.call(b"content", method="memory") is None


def test_streams_are_read_to_their_end_or_closed(app):
    assert list(app.stream(3, method="count")) == [0, 1, 2]
    assert list(app.stream("one value")) == ["one value"]
    with app.stream(10_000_000, method="count") as numbers:
        assert [next(numbers), next(numbers)] == [0, 1]
    assert next(iter(app.stream(10_000_000, method="count"))) == 0  # and forgotten
    assert app.call("in step") == "in step"
    with app.stream(3, method="lines") as stream:
        contents = [(number, bytes(stream.files[0].mmap())) for number in stream]
    assert contents == [(0, b"0"), (1, b"1"), (2, b"2")]


def test_an_error_item_is_raised(app):
    with pytest.raises(RemoteError, match="KeyError: 'nothing'") as failure:
        app.call(method="fail")
    assert failure.value.type == "KeyError"
    with pytest.raises(RemoteError, match="UnknownMethod"):
        app.call(method="unknown")
    with pytest.raises(RemoteError, match="KeyError"):
        list(app.stream(method="fail"))
    assert app.call(1) == 1


def test_a_call_that_is_answered_by_a_stream_fails(app):
    with pytest.raises(TypeError, match=r"call stream\(\)"):
        app.call(10_000_000, method="count")
    with pytest.raises(TypeError, match=r"call stream\(\)"):
        app.call(0, method="count")
    assert app.call(1) == 1


def test_calls_from_several_threads_run_at_the_same_time(app):
    both = threading.Barrier(4, timeout=30)
    results = []

    def stream():
        with app.stream(100_000, method="count") as numbers:
            results.append(next(numbers))
            both.wait()  # none has ended

    threads = [threading.Thread(target=stream) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0, 0, 0, 0]
    assert not both.broken


def test_a_call_that_finds_no_lane_in_time_says_so(app):
    streams = [app.stream(10_000_000, method="count") for _ in range(4)]
    with pytest.raises(NoLane, match="All 4 sockets .* not sent"):
        app.call(1, timeout=0.05)
    for stream in streams:
        stream.close()
    assert app.call(1) == 1


def test_a_timeout_cancels_and_the_child_lives_on(app):
    pid = app.pid
    with pytest.raises(CallTimeout):
        app.call(3600, method="sleep", timeout=0.05)
    assert app.call("next") == "next"
    with pytest.raises(CallTimeout):
        next(app.stream(3600, method="sleep", timeout=0.05))
    assert app.call("next") == "next"
    assert (app.pid, app.returncode) == (pid, None)


def test_messages_that_are_sent_one_way_are_handled_and_their_answers_dropped(app):
    for _ in range(1000):
        app.send("x" * 1000)
    app.send(method="fail")
    app.send(3, method="count")
    assert app.call("in step") == "in step"


def test_the_end_of_the_child_fails_its_calls_at_once_and_says_why(script):
    with Child([sys.executable, script(APP)], ready=True) as child:
        with pytest.raises(PeerGone, match="exited with code 7"):
            child.call(7, method="exit")
        with pytest.raises(PeerGone, match="exited with code 7"):
            child.call(1)


def test_messages_over_the_limit_cost_only_themselves(script):
    with Child([sys.executable, script(APP)], ready=True, max_message_size=100_000) as child:
        assert child.hello.max_message_size == 100_000
        with pytest.raises(MessageTooLarge, match="200005 bytes was not sent|bytes was not sent"):
            child.call("x" * 200_000)
        assert child.call("next") == "next"


def test_the_child_calls_handlers_of_its_parent(script):
    handlers = Handlers()

    @handlers.handler("double")
    def double(request):
        return request.payload * 2

    @handlers.handler("letters")
    def letters(request):
        yield from request.payload

    with Child([sys.executable, script(APP)], ready=True, handlers=handlers) as child:
        assert child.call(21, method="ask") == 42
        assert list(child.stream("abc", method="ask stream")) == ["a", "b", "c"]
        threads = [
            threading.Thread(target=lambda: [child.call(n, method="ask") for n in range(50)])
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert child.call(1, method="ask") == 2


def test_calls_to_a_parent_without_handlers_are_answered_with_an_error(app):
    with pytest.raises(RemoteError, match="UnknownMethod.*'double'"):
        app.call(21, method="ask")


def test_a_process_that_the_child_forks_does_not_hide_its_end(script):
    with Child([sys.executable, script(APP)], ready=True) as child:
        child.call(method="fork")
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(PeerGone, match="SIGKILL"):
            child.call(1)
        os.killpg(child.pid, signal.SIGKILL)


def test_a_child_of_ten_lines_is_a_complete_child():
    with Child([sys.executable, INTEROP / "ten_lines.py"]) as child:
        assert child.call({"a": 1}) == {"a": 1}
        assert child.hello is None
        text = "0123456789" * 100_000
        assert child.call(text) == text
        with pytest.raises(TypeError, match="its hello has no envelope"):
            child.call(1, method="scale")
        child.send("one way")
        assert child.call("next") == "next"
    assert child.returncode == 0


def test_a_child_that_cannot_be_cancelled_is_killed_at_a_timeout(script):
    with raw_child(script, "receive(); time.sleep(3600)") as child:
        with pytest.raises(CallTimeout):
            child.call(1, timeout=0.05)
        eventually(lambda: child.returncode == -signal.SIGKILL)
        with pytest.raises(PeerGone, match="SIGKILL"):
            child.call(2)


def test_a_reply_with_another_number_reaches_nobody(script):
    code = """
send(tag(70, HELLO))
id = receive().value["id"]
send(envelope(id + 1, "of somebody else"))
receive()
"""
    with raw_child(script, code, ready=True) as child:
        with pytest.raises(ProtocolFault, match="number"):
            child.call(1)
        with pytest.raises(PeerGone):
            child.call(2)


def test_a_second_reply_reaches_nobody_also_without_numbers(script):
    code = """
receive()
send("first")
send("second")
receive()
"""
    with raw_child(script, code) as child:
        assert child.call(1) == "first"
        eventually(lambda: _has_something_to_say(child))
        with pytest.raises(ProtocolFault, match="nobody asked for"):
            child.call(2)


def test_a_greeting_is_no_reply(script):
    with raw_child(script, "send('hello'); time.sleep(3600)") as child:
        eventually(lambda: _has_something_to_say(child))
        with pytest.raises(ProtocolFault, match="nobody asked for"):
            child.call(1)


def _has_something_to_say(child):
    sock = child._first.socket._sock
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return False


def test_a_late_hello_is_no_reply_either(script):
    code = """
assert receive() == 1
send(tag(70, HELLO))
send("bare, as the request was")
item = receive()
send(envelope(item.value["id"], item.value["payload"]))
receive()
"""
    with raw_child(script, code) as child:
        assert child.call(1) == "bare, as the request was"
        assert child.call(2) == 2


@pytest.mark.parametrize("hello", ["{'lanes': 0}", "{'envelope': 1}", "[]"])
def test_a_malformed_hello_ends_the_child(script, hello):
    with pytest.raises(ProtocolFault):
        raw_child(script, f"send(tag(70, {hello})); receive()", ready=True)


def test_a_child_that_is_never_ready_is_killed(script):
    with pytest.raises(CallTimeout, match="within 0.1 seconds"):
        raw_child(script, "receive()", ready=True, start_timeout=0.1)


def test_a_child_that_ends_before_it_is_ready_says_how(script):
    with pytest.raises(PeerGone, match="exited with code 3"):
        raw_child(script, "sys.exit(3)", ready=True)


def test_what_is_no_stream_and_no_reply_is_a_fault(script):
    code = """
receive()
send(tag(67, 1))
send("and now a reply")
receive()
"""
    with raw_child(script, code) as child:
        stream = child.stream(1)
        assert next(stream) == 1
        with pytest.raises(ProtocolFault):
            next(stream)


def test_a_broken_frame_ends_the_child(script):
    with raw_child(script, "receive(); parent.send(b'123'); time.sleep(3600)") as child:
        with pytest.raises(ProtocolFault, match="broken frame"):
            child.call(1)
        eventually(lambda: child.returncode == -signal.SIGKILL)


def test_a_child_that_does_not_read_is_killed_at_a_timeout(script):
    with raw_child(script, "time.sleep(3600)") as child:
        with pytest.raises(CallTimeout):
            child.call("x" * 5_000_000, timeout=0.05)
        eventually(lambda: child.returncode == -signal.SIGKILL)


def test_a_timeout_in_the_middle_of_a_large_request_costs_only_that(script, tmp_path):
    code = """
send(tag(70, HELLO))
while not os.path.exists(os.environ["GATE"]):
    time.sleep(0.005)
packet = parent.recv(1 << 19)
(length,), body = struct.unpack_from("=Q", packet), packet[8:]
while len(body) < length:
    body += parent.recv(1 << 19)
assert receive() == tag(69, None)
send(envelope(cbor2.loads(body).value["id"], tag(65, {"type": "Cancelled", "message": ""})))
send(envelope(receive().value["id"], "next"))
receive()
"""
    gate = tmp_path / "gate"
    env = {**os.environ, "GATE": str(gate)}
    with raw_child(script, code, ready=True, env=env) as child:
        with pytest.raises(CallTimeout):
            child.call("x" * 5_000_000, timeout=0.05)
        gate.touch()
        assert child.call(1) == "next"


def test_a_cancelled_reply_that_does_not_end_costs_the_child(script, monkeypatch):
    monkeypatch.setattr("tiny_ipc.calls.CANCEL_TIMEOUT", 0.05)
    code = "send(tag(70, HELLO)); receive(); time.sleep(3600)"
    with raw_child(script, code, ready=True) as child:
        with pytest.raises(CallTimeout):
            child.call(1, timeout=0.05)
        eventually(lambda: child.returncode == -signal.SIGKILL)


def test_a_process_that_the_parent_forks_does_not_keep_the_child_alive(script):
    with Child([sys.executable, script(APP)], ready=True) as child:
        forked = os.fork()
        if forked == 0:
            time.sleep(3600)
        try:
            child.close()
            assert child.returncode == 0
        finally:
            os.kill(forked, signal.SIGKILL)
            os.waitpid(forked, 0)


def test_programs_that_do_not_exist_are_told_at_once():
    with pytest.raises(FileNotFoundError, match="'no-such-program' is not in PATH"):
        Child(["no-such-program"])
    with pytest.raises(TypeError, match="list"):
        Child("cat")


def test_a_child_that_does_not_exit_is_ended(script):
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); send(1); time.sleep(3600)"
    child = raw_child(script, code, close_timeout=0.05)
    eventually(lambda: _has_something_to_say(child))
    child.close()
    assert child.returncode == -signal.SIGKILL


def test_a_wide_reply_with_files_that_nobody_takes_leaks_nothing(app):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        app.ask(b"x", method="memory")  # is not closed
        app.call(b"x", method="memory")

    assert len(os.listdir("/proc/self/fd")) <= before + 1
