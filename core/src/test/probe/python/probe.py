"""Makes the attempts of the probe in C in Python. What an attempt is, and what its outcome means, says probe.h.

    probe.py try <outside> <writable> <parent> <sibling> <guard> <tcp> <udp>
"""

import errno
import os
import signal
import socket

import file_ways
import kernel_ways
import process_ways
from target import PASSED


# One number has two names.
NAMES = errno.errorcode | {errno.EOPNOTSUPP: "EOPNOTSUPP"}


def receive_descriptors():
    with socket.socket(fileno=os.dup(3)) as parent:
        _, descriptors, _, _ = socket.recv_fds(parent, 1, len(PASSED))
    for descriptor, number in zip(descriptors, PASSED, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def outcome(attempt):
    """Makes it in a process of its own, which exits with the error number."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            attempt()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(255)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        return "allowed"
    return f"refused {signal.Signals(-code).name if code < 0 else NAMES.get(code, code)}"


receive_descriptors()
for ways in file_ways.WAYS, process_ways.WAYS, kernel_ways.WAYS:
    for name, attempt in ways.items():
        print(name, outcome(attempt), sep="\t", flush=True)
