import os
import signal
import socket
import struct

import pytest

from conftest import eventually
from raw import ERROR_ITEM, PATIENCE, RawSocket, envelope

PROGRAM = """
    import os, random, sys
    from tiny_ipc import App

    loaded_by = os.getpid()
    app = App(concurrency=2)

    @app.handler("who")
    def who(request):
        return {"pid": os.getpid(), "loaded_by": loaded_by, "group": os.getpgid(0)}

    @app.handler("descriptors")
    def descriptors(request):
        return sorted(int(name) for name in os.listdir("/proc/self/fd"))

    @app.handler("draw")
    def draw(request):
        return random.getrandbits(60)

    @app.handler("say")
    def say(request):
        print(request.payload, flush=True)
        print(request.payload, file=sys.stderr, flush=True)

    @app.handler("exit")
    def exit(request):
        os._exit(request.payload)

    @app.handler("variables")
    def variables(request):
        return [name for name in os.environ if name.startswith("TINY_IPC_")]

    print("loaded")
    app.run()
"""


class Zygote:
    """The requests to a zygote, from a parent that knows the wire format only."""

    def __init__(self, parent):
        self.parent = parent
        self.number = 0
        self.forks = []

    def ask(self, method, payload, *files):
        self.number += 1
        self.parent.send(envelope(payload, id=self.number, method=method), *files)
        reply = self.parent.receive().value
        assert reply["id"] == self.number
        return reply["payload"]

    def fork(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        read, write = os.pipe()
        with theirs, open(os.devnull) as nothing:
            pid = self.ask("zygote.fork", None, nothing, write, write, theirs)
        os.close(write)
        self.forks.append(Fork(ours, pid, read))
        return self.forks[-1]

    def reap(self, fork):
        return self.ask("zygote.reap", fork.pid)


class Fork(RawSocket):
    def __init__(self, sock, pid, output):
        super().__init__(sock)
        self.pid = pid
        self._output = open(output)
        self.files = []

    def hello(self):
        body, self.files = self.receive_body()
        return body

    def call(self, method, payload=None):
        return self.ask(envelope(payload, id=1, method=method)).value["payload"]

    def end(self):
        """Closes the socket, and returns what the process has written until it ended."""
        self.close()
        while self.files:
            os.close(self.files.pop())
        with self._output as output:
            return output.read()


@pytest.fixture
def zygote(start):
    parent = start(PROGRAM, TINY_IPC_ZYGOTE="1")
    body, files = parent.receive_body()
    assert not files
    zygote = Zygote(parent)
    yield zygote
    for fork in zygote.forks:
        if fork.sock.fileno() >= 0:
            fork.end()


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_forks_serve_like_processes_that_were_started(zygote):
    forks = [zygote.fork() for _ in range(2)]
    for fork in forks:
        assert fork.hello()
        who = fork.call("who")
        assert who == {
            "pid": fork.pid,
            "loaded_by": zygote.parent.process.pid,
            "group": fork.pid,
        }
        assert fork.call("variables") == []
    for fork in forks:
        fork.end()
        assert os.WEXITSTATUS(zygote.reap(fork)) == 0


def test_a_fork_writes_to_its_own_streams(zygote):
    one, other = zygote.fork(), zygote.fork()
    for fork, text in ((one, "ene"), (other, "mene")):
        fork.hello()
        fork.call("say", text)
    assert (one.end(), other.end()) == ("ene\nene\n", "mene\nmene\n")
    assert zygote.parent.log() == ""


def test_forks_have_no_descriptors_of_each_other_or_of_the_zygote(zygote):
    before = zygote.parent.descriptors()
    forks = [zygote.fork() for _ in range(3)]
    for fork in forks:
        fork.hello()
    seen = {tuple(fork.call("descriptors")) for fork in forks}
    assert len(seen) == 1, "a later one has more than the first"
    sockets = [
        name
        for fork in forks
        for name in os.listdir(f"/proc/{fork.pid}/fd")
        if os.readlink(f"/proc/{fork.pid}/fd/{name}").startswith("socket:")
    ]
    assert len(sockets) == 2 * len(forks), "each has its own, and that of its calls"
    assert zygote.parent.descriptors() == before


def test_a_parent_sees_the_end_of_a_fork_while_others_run(zygote):
    one, other = zygote.fork(), zygote.fork()
    for fork in (one, other):
        fork.hello()
    one.send(envelope(7, method="exit"))
    assert one.is_closed()
    assert os.WEXITSTATUS(zygote.reap(one)) == 7
    assert other.call("who")["pid"] == other.pid


def test_the_number_of_a_fork_stays_its_own_until_it_is_reaped(zygote):
    fork = zygote.fork()
    fork.hello()
    os.kill(fork.pid, signal.SIGKILL)
    eventually(lambda: state(fork.pid) == "Z")
    assert os.WTERMSIG(zygote.reap(fork)) == signal.SIGKILL
    assert not os.path.exists(f"/proc/{fork.pid}")


def test_forks_do_not_draw_the_same_random_numbers(zygote):
    forks = [zygote.fork() for _ in range(3)]
    for fork in forks:
        fork.hello()
    assert len({fork.call("draw") for fork in forks}) == len(forks)


def test_forks_go_on_when_the_zygote_has_ended(zygote):
    fork = zygote.fork()
    fork.hello()
    zygote.parent.process.kill()
    zygote.parent.process.wait(PATIENCE)
    assert fork.call("who")["pid"] == fork.pid


def test_a_zygote_ends_with_its_parent(zygote):
    assert zygote.parent.end() == 0


def test_a_zygote_ignores_sigterm_while_its_parent_is_there(zygote):
    zygote.parent.terminate()
    assert zygote.fork().hello()


@pytest.mark.parametrize(
    "method, payload, type, message",
    [
        ("zygote.fork", None, "ValueError", "0 descriptors came with a request to fork"),
        ("zygote.reap", 1, "ValueError", "1 is no process that was forked here"),
        ("zygote.reap", "x", "ValueError", "'x' is no process that was forked here"),
        ("scale", None, "ValueError", "A zygote does not serve the method 'scale'"),
    ],
)
def test_a_zygote_answers_what_it_cannot_do_with_an_error(zygote, method, payload, type, message):
    error = zygote.ask(method, payload)
    assert error.tag == ERROR_ITEM
    assert error.value["type"] == type
    assert error.value["message"].startswith(message)


def test_two_hundred_forks_leave_nothing_behind(zygote):
    before = zygote.parent.descriptors()
    for _ in range(200):
        fork = zygote.fork()
        fork.end()
        zygote.reap(fork)
    assert zygote.parent.descriptors() == before
    pid = zygote.parent.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        assert file.read() == ""


@pytest.mark.parametrize(
    "line",
    [
        "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))",
        "sys.stdout.flush(); os.closerange(0, 3)",
    ],
)
def test_a_fork_needs_few_descriptors_and_none_of_the_zygote(start, line):
    program = PROGRAM.replace("app.run()", f"import resource; {line}; app.run()")
    parent = start(program, TINY_IPC_ZYGOTE="1")
    parent.receive_body()
    fork = Zygote(parent).fork()
    fork.hello()
    fork.call("say", "there")
    assert {0, 1, 2, 3} <= set(fork.call("descriptors"))
    assert fork.end() == "there\nthere\n"


def test_forks_share_the_limit_of_messages(start):
    parent = start(PROGRAM, TINY_IPC_ZYGOTE="1", TINY_IPC_MAX_MESSAGE_SIZE="1000")
    parent.receive_body()
    fork = Zygote(parent).fork()
    fork.hello()
    fork.send_packet(struct.pack("=Q", 2000) + b"\0" * 2000)
    assert fork.receive().tag == ERROR_ITEM
    fork.end()


@pytest.mark.parametrize(
    "line, reason",
    [
        (
            "threading.Thread(target=threading.Event().wait, daemon=True, name='ticker').start()",
            "it has more than one thread, which a fork would not have: ticker. Start threads",
        ),
        ("loop = asyncio.new_event_loop()", "it has an open event loop"),
    ],
)
def test_a_program_that_cannot_be_forked_is_refused(start, line, reason):
    parent = start(
        f"""
        import asyncio, threading
        from tiny_ipc import App
        {line}
        App().run()
        """,
        TINY_IPC_ZYGOTE="1",
    )
    assert parent.is_closed()
    assert parent.exit_code() == 1
    assert reason in parent.log()
    assert "or declare the child without 'zygote'" in parent.log()


def test_a_closed_event_loop_does_no_harm(start):
    parent = start(
        """
        import asyncio
        from tiny_ipc import App
        asyncio.run(asyncio.sleep(0))
        App().run()
        """,
        TINY_IPC_ZYGOTE="1",
    )
    parent.receive_body()
    assert parent.end() == 0


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "reap_all"])
def test_only_the_zygote_reaps_and_only_when_it_is_asked_to(start, handler):
    setting = f"""
    import signal

    def reap_all(number, frame):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    signal.signal(signal.SIGCHLD, {handler})

    @app.handler("own")
    def own(request):
        return signal.getsignal(signal.SIGCHLD) == {handler}

    print("loaded")
    """
    parent = start(PROGRAM.replace('\n    print("loaded")\n    ', setting), TINY_IPC_ZYGOTE="1")
    parent.receive_body()
    zygote = Zygote(parent)
    fork = zygote.fork()
    fork.hello()
    assert fork.call("own") is True
    fork.send(envelope(7, method="exit"))
    assert fork.is_closed()
    eventually(lambda: state(fork.pid) == "Z")
    assert os.WEXITSTATUS(zygote.reap(fork)) == 7
    fork.end()


def test_without_the_variable_the_same_program_serves(start):
    parent = start(PROGRAM)
    assert "who" in parent.hello()["methods"]
    reply = parent.ask(envelope(None, id=1, method="who")).value["payload"]
    assert reply["pid"] == reply["loaded_by"] == parent.process.pid
