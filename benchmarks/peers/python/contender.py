"""Python's multiprocessing: a Pipe, on which bytes go as they are and objects by pickle.

Speaks the protocol of ../../README.md. The child is this file as well, started anew with one end of the pipe.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from enum import Enum
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection


class Status(Enum):
    PLACED = 0
    PACKED = 1
    SHIPPED = 2
    DELIVERED = 3


@dataclass(frozen=True)
class Address:
    street: str
    number: int
    city: str


@dataclass(frozen=True)
class Order:
    id: int
    customer: str
    product: str
    quantity: int
    price: float
    discount: float
    created: int
    status: Status
    paid: bool
    gift: bool
    address: Address
    note: str


FIRST = Order(9007199254, "Ada Lovelace ABC", "Analytical Engine, brass", 1, 1843.25, 0.125, 1700000000000,
              Status.PLACED, True, False, Address("St James's Square", 12, "London"),
              "To be left with the porter, if need be. ")


def sample(n):
    return replace(FIRST, id=FIRST.id + n, quantity=1 + n % 100, price=FIRST.price + n, created=FIRST.created + n,
                   status=Status(n % 4))


def content(size):
    """Begins with 0, which is not yet the last one of a flood."""
    return (bytes(i * 31 % 256 for i in range(256)) * (size // 256 + 1))[:size]


class Cannot(Exception):
    """There is no such work."""


class Child:
    def __init__(self, work):
        self.pipe, theirs = Pipe()
        command = [sys.executable, "-c", "import contender, sys; contender.serve(*sys.argv[1:])"]
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen(command + [work, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                                        stdin=subprocess.DEVNULL, stdout=sys.stderr,
                                        env={**os.environ, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"})
        theirs.close()

    def close(self):
        self.pipe.close()
        self.process.wait()


class Exchanges:
    """A request and its reply, again and again."""

    def __init__(self, work, message):
        self.child = Child(work)
        pipe, bytes_only = self.child.pipe, isinstance(message, bytes)
        send, receive = (pipe.send_bytes, pipe.recv_bytes) if bytes_only else (pipe.send, pipe.recv)
        null = os.open("/dev/null", os.O_RDONLY) if work == "descriptor" else None

        def exchange():
            if null is not None:
                reduction.send_handle(pipe, null, self.child.process.pid)
            send(message)
            return receive()

        self.null, self.exchange = null, exchange
        try:
            if exchange() != message:
                raise ValueError("something else came back")
        except BaseException:
            self.close()
            raise

    def run(self, seconds):
        return repeat(seconds, self.exchange)

    def close(self):
        self.child.close()
        if self.null is not None:
            os.close(self.null)


class Flood:
    """One message again and again, and an answer to the last one."""

    def __init__(self, message):
        self.child = Child("oneway")
        self.message, self.last = message, b"\1" + message[1:]
        self.finish(1)

    def finish(self, sent):
        self.child.pipe.send_bytes(self.last)
        came = self.child.pipe.recv()
        if came != sent:
            raise ValueError(f"{came} messages came of {sent}")

    def run(self, seconds):
        start = time.perf_counter_ns()
        operations, _ = repeat(seconds, lambda: self.child.pipe.send_bytes(self.message))
        self.finish(operations + 1)
        return operations + 1, time.perf_counter_ns() - start

    def close(self):
        self.child.close()


def repeat(seconds, operation):
    start = now = time.perf_counter_ns()
    end = start + int(seconds * 1e9)
    operations = 0
    while operations == 0 or now < end:
        operation()
        operations += 1
        now = time.perf_counter_ns()
    return operations, now - start


def prepare(work, parameter=None):
    match work:
        case "roundtrip":
            return Exchanges(work, content(int(parameter)))
        case "descriptor":
            return Exchanges(work, content(64))
        case "oneway":
            return Flood(content(int(parameter)))
        case "object":
            return Exchanges(work, sample(0))
        case "objects":
            return Exchanges(work, [sample(n) for n in range(1000)])
    raise Cannot("not one of its works")


def serve(work, descriptor):
    """The child: until the parent closes."""
    pipe, count = Connection(int(descriptor)), 0
    try:
        while True:
            if work in ("object", "objects"):
                pipe.send(pipe.recv())
            elif work == "oneway":
                count += 1
                if pipe.recv_bytes()[0] == 1:
                    pipe.send(count)
                    count = 0
            else:
                if work == "descriptor":
                    os.close(reduction.recv_handle(pipe))
                pipe.send_bytes(pipe.recv_bytes())
    except EOFError:
        pass


def main():
    session = None
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            if verb in ("prepare", "done", "quit") and session:
                session.close()
                session = None
            match verb:
                case "prepare":
                    session = prepare(*words)
                    answer = "ready"
                case "run":
                    answer = "result {} {}".format(*session.run(int(words[0]) / 1000))
                case "done":
                    answer = "ok"
                case _:
                    break
        except Cannot as reason:
            answer = f"cannot {reason}"
        except Exception as error:
            answer = f"failed {error!r}"
        print(answer, flush=True)
    if session:
        session.close()


if __name__ == "__main__":
    # Under its own name, as pickle names classes by their module.
    import contender

    contender.main()
