"""The other direction: a Python program starts a child of tiny-ipc and asks it for something.

Build:  as child.py
Run:    venv/bin/python parent.py COMMAND [ARGUMENT...]
"""
import os
import socket
import subprocess
import sys

from child import BrokenFrame, ERROR_ITEM, decode, receive, send


def main(command):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            environment = {**os.environ, "TINY_IPC_FD": str(theirs.fileno())}
            child = subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()])
        talk(ours)
    expect(child.wait(), 0)
    print("ok close")


def talk(child):
    expect(ask(child, {"do": "echo", "payload": {"a": [1, 2, 3]}}), {"a": [1, 2, 3]})
    print("ok echo")
    expect(ask(child, {"do": "sum", "numbers": [1, 2, 39]}), 42)
    print("ok sum")
    with open(__file__, "rb") as file:
        expect(ask(child, {"do": "length"}, file.fileno()), os.path.getsize(__file__))
    print("ok length")
    text = "naïve text"
    length, memory = ask(child, {"do": "memory", "text": text}, attached=1)
    with memory:
        expect((length, memory.read()), (len(text.encode()), text.encode()))
    print("ok memory")
    try:
        raise AssertionError(f"fail answered {ask(child, {'do': 'fail', 'message': 'on purpose'})}")
    except ChildFailed as failure:
        expect(failure.message, "on purpose")
    print("ok fail")


def ask(child, request, *descriptors, attached=0):
    """Returns the reply, with the file that came along if one is asked for."""
    send(child, request, *descriptors)
    body, received = receive(child) or sys.exit("parent: the child closed")
    files = [open(descriptor, "rb") for descriptor in received]
    reply = decode(body)
    if getattr(reply, "tag", None) == ERROR_ITEM:
        raise ChildFailed(reply.value["type"], reply.value["message"])
    expect(len(files), attached)
    return (reply, *files) if files else reply


class ChildFailed(Exception):
    """What the child's error item says."""

    def __init__(self, type, message):
        super().__init__(f"{type}: {message}")
        self.type, self.message = type, message


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, but was {actual!r}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (AssertionError, BrokenFrame, ChildFailed, OSError) as error:
        sys.exit(f"parent: {error}")
