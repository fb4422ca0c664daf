"""Whom attempts are aimed at, and how they are made."""

import ctypes
import errno
import os
import platform
import signal
import socket
import sys

OUTSIDE, WRITABLE = sys.argv[2:4]
PARENT, SIBLING, GUARD, TCP, UDP = map(int, sys.argv[4:9])

# The descriptors that were passed, see probe.h.
(PASSED_FILE, PASSED_MEMORY, PASSED_SEALED, PASSED_FOLDER, PASSED_WRITABLE, PASSED_TCP, PASSED_TERMINAL,
 PASSED_SIBLING) = PASSED = range(100, 108)

SECRET = f"{OUTSIDE}/secret"
VICTIM = f"{OUTSIDE}/victim"
HARMLESS = signal.SIGWINCH

_ARM = platform.machine() == "aarch64"
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(number, *arguments):
    """A system call, by one number or by those on x86-64 and on aarch64."""
    if isinstance(number, tuple):
        number = number[1] if _ARM else number[0]
    if number < 0:
        raise OSError(errno.ENOSYS, "not on this machine")
    result = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def reach(error, number, *arguments):
    """The same for a call that fails with this error once it is let through."""
    try:
        call(number, *arguments)
    except OSError as refused:
        if refused.errno != error:
            raise


def read(path):
    with open(path, "rb", buffering=0) as file:
        file.read(1)


def opened(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags, 0o600))


def tcp_socket():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def structure(*longs):
    """A structure of 64-bit numbers."""
    return (ctypes.c_uint64 * len(longs))(*longs)
