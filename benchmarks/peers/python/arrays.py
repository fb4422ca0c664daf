"""A contender in Python whose parent and child have arrays of NumPy.

Run in the folder benchmarks:  python3 peers/python/arrays.py pickled | shared
"""
import functools
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy

import contender


class Pickled:
    """The array is a message."""

    def __init__(self, size):
        self.request = numpy.arange(int(size), dtype="uint32").astype("uint8")

    def operate(self, connection):
        connection.send(self.request)
        return connection.recv()

    def check(self, connection):
        if not numpy.array_equal(self.operate(connection), self.request):
            raise ValueError("the child answered something else")

    def finish(self, connection, operations):
        return operations

    @staticmethod
    def serve(connection):
        connection.send(connection.recv())


class Shared(Pickled):
    """The array is copied into memory that both have, and out of it. The messages only say where it is."""

    def __init__(self, size):
        super().__init__(size)
        self.there, self.back = (SharedMemory(create=True, size=int(size)) for _ in range(2))

    def operate(self, connection):
        view(self.there)[:] = self.request
        connection.send((self.there.name, self.back.name))
        connection.recv()
        return view(self.back).copy()

    def __del__(self):
        for memory in self.there, self.back:
            memory.close()
            memory.unlink()

    @staticmethod
    def serve(connection):
        there, back = map(attach, connection.recv())
        view(back)[:] = view(there)
        connection.send(True)


def view(memory):
    return numpy.frombuffer(memory.buf, "uint8")


@functools.lru_cache
def attach(name):
    memory = SharedMemory(name)
    resource_tracker.unregister(memory._name, "shared_memory")  # or it is gone when this process ends
    return memory


WORKS = {"pickled": Pickled, "shared": Shared}

if __name__ == "__main__":
    if sys.argv[1] in WORKS:
        contender.WORKS = {"roundtrip": WORKS[sys.argv[1]]}
        contender.Contender().serve()
    else:
        contender.serve_parent(globals()[sys.argv[1]], sys.argv[2])
