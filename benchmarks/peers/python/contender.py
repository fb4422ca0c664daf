"""A contender in Python: multiprocessing.connection.Connection over multiprocessing.Pipe().

Run in the folder benchmarks:  python3 peers/python/contender.py

Typed objects are dataclasses, pickled by send and recv. The child is this program again. It is started as a plain
subprocess, since multiprocessing would start a process of its own beside it, which stays until the parent ends.
"""
import os
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle


@dataclass
class Address:
    street: str = "St James's Square"
    number: int = 12
    city: str = "London"


@dataclass
class Order:
    id: int
    quantity: int
    price: float
    created: int
    status: str
    customer: str = "Ada Lovelace ABC"
    product: str = "Analytical Engine, brass"
    discount: float = 0.125
    paid: bool = True
    gift: bool = False
    address: Address = field(default_factory=Address)
    note: str = "To be left with the porter, if need be. "


def order(number):
    status = ("PLACED", "PACKED", "SHIPPED", "DELIVERED")[number % 4]
    return Order(9007199254 + number, 1 + number % 100, 1843.25 + number, 1700000000000 + number, status)


class RoundTrip:
    """A work: what the parent does, and how the child serves it."""

    def __init__(self, size=64):
        self.request = os.urandom(int(size))

    def operate(self, connection):
        connection.send_bytes(self.request)
        return connection.recv_bytes()

    def check(self, connection):
        if self.operate(connection) != self.request:
            raise ValueError("the child answered something else")

    def finish(self, connection, operations):
        return operations

    @staticmethod
    def serve(connection):
        connection.send_bytes(connection.recv_bytes())


class Descriptor(RoundTrip):
    file = open(os.devnull, "rb")

    def operate(self, connection):
        connection.send_bytes(self.request)
        # It travels with a byte of its own, behind the message. On Linux nobody asks for the child's number.
        send_handle(connection, self.file.fileno(), None)
        return connection.recv_bytes()

    @staticmethod
    def serve(connection):
        request = connection.recv_bytes()
        os.close(recv_handle(connection))
        connection.send_bytes(request)


class Typed(RoundTrip):
    def __init__(self, request):
        self.request = request

    def operate(self, connection):
        connection.send(self.request)
        return connection.recv()

    @staticmethod
    def serve(connection):
        connection.send(connection.recv())


class OneWay:
    def __init__(self, size):
        self.message = bytes(int(size))
        self.last = b"\1" + self.message[1:]

    def operate(self, connection):
        connection.send_bytes(self.message)

    def check(self, connection):
        self.finish(connection, 0)

    def finish(self, connection, operations):
        connection.send_bytes(self.last)
        count = connection.recv()
        if count != operations + 1:
            raise ValueError(f"{count} messages came of {operations + 1}")
        return count

    @staticmethod
    def serve(connection):
        count = 1
        while connection.recv_bytes()[0] != 1:
            count += 1
        connection.send(count)


WORKS = {"roundtrip": RoundTrip, "oneway": OneWay, "descriptor": Descriptor, "object": lambda: Typed(order(0)),
         "objects": lambda: Typed([order(number) for number in range(1000)])}


class Contender:
    """What the harness asks for, a method each."""

    child = None

    def prepare(self, name, *parameters):
        self.done()
        if name not in WORKS:
            return "cannot no batches, no pool, one connection to a child, which is in Python"
        self.work = WORKS[name](*parameters)
        self.connection, theirs = Pipe()
        with theirs:
            command = [sys.executable, sys.argv[0], type(self.work).__name__, str(theirs.fileno())]
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                          pass_fds=[theirs.fileno()])
        self.work.check(self.connection)
        return "ready"

    def run(self, milliseconds):
        work, connection, operations = self.work, self.connection, 0
        start = time.monotonic_ns()
        end = start + int(milliseconds) * 1_000_000
        while operations == 0 or time.monotonic_ns() < end:
            work.operate(connection)
            operations += 1
        operations = work.finish(connection, operations)
        return f"result {operations} {time.monotonic_ns() - start}"

    def done(self):
        if self.child:
            self.connection.close()
            self.child.wait()
            self.child = None
        return "ok"

    def serve(self):
        for line in sys.stdin:
            verb, *words = line.split()
            if verb == "quit":
                break
            try:
                print(getattr(self, verb)(*words), flush=True)
            except Exception as failure:
                traceback.print_exc()
                print(f"failed {failure!r}", flush=True)
        self.done()


def serve_parent(work, descriptor):
    serve, connection = work.serve, Connection(int(descriptor))
    try:
        while True:
            serve(connection)
    except (EOFError, ConnectionError):
        pass  # the parent has closed its end


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve_parent(globals()[sys.argv[1]], sys.argv[2])
    else:
        Contender().serve()
