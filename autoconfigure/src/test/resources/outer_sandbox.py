"""Runs a command for which some system calls fail, as in a container that forbids them.

usage: outer_sandbox.py <call>=<error>,... <command> <argument>...
"""
import ctypes
import errno
import os
import platform
import struct
import sys

CALLS = {"x86_64": {"seccomp": 317}, "aarch64": {"seccomp": 277}}[platform.machine()]
CALLS["landlock_create_ruleset"] = 444
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NO_NEW_PRIVILEGES, SET_SECCOMP, MODE_FILTER = 38, 22, 2

program = struct.pack("=HBBI", LOAD, 0, 0, 0)
for rule in sys.argv[1].split(","):
    call, error = rule.split("=")
    program += struct.pack("=HBBI", JUMP_IF_EQUAL, 0, 1, CALLS[call])
    program += struct.pack("=HBBI", RETURN, 0, 0, ERRNO | getattr(errno, error))
program += struct.pack("=HBBI", RETURN, 0, 0, ALLOW)

memory = ctypes.create_string_buffer(program)
header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(memory)))
libc = ctypes.CDLL(None, use_errno=True)
none = ctypes.c_ulong(0)
for arguments in ((NO_NEW_PRIVILEGES, ctypes.c_ulong(1), none), (SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), header)):
    if libc.prctl(*arguments, none, none):
        sys.exit("prctl failed: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
