"""Sockets, and parts of the kernel that a program seldom needs."""

import ctypes
import errno
import os
import signal
import socket
import struct

from target import *

UNKNOWN = errno.EAFNOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EPROTONOSUPPORT


def opened_socket(family, kind, protocol=0):
    socket.socket(family, kind, protocol).close()


def any_other_family():
    listed = (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK)
    refused = OSError(errno.EAFNOSUPPORT, "no such family")
    for family in range(socket.AF_UNIX + 1, 64):
        for kind in (1, 2, 3, 5) if family not in listed else ():
            try:
                return opened_socket(family, kind)
            except OSError as error:
                if error.errno not in UNKNOWN:
                    refused = error
    raise refused


def connected(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.connect(address)


def bound(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.bind(address)
        one.listen()


def sent(family, kind, address):
    with socket.socket(family, kind) as one:
        one.sendto(b"x", address)


def sent_from_pair(kind, address):
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    one.sendto(b"x", address)


def pair(kind):
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    one.send(b"x")


def passed_on():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    socket.send_fds(one, [b"x"], [PASSED_FILE])


def ring():
    call(425, 1, (ctypes.c_uint8 * 120)())


def bpf_map():
    call((321, 280), 0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 128)


def perf():
    event = (ctypes.c_uint8 * 128)()
    struct.pack_into("IIQ", event, 0, 1, 128, 1)
    struct.pack_into("Q", event, 40, 1 << 5 | 1 << 6)
    call((298, 241), event, 0, -1, -1, 0)


def new_namespace(flags):
    child = call((56, 220), flags | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)


def same_name():
    socket.sethostname(socket.gethostname())


def same_frequency():
    clock = (ctypes.c_uint8 * 208)()
    call((159, 171), clock)
    struct.pack_into("I", clock, 0, 2)
    call((159, 171), clock)


def system_v(get, control, *arguments):
    identifier = call(get, 0, *arguments)
    call(control, identifier, 0, 0, 0)


def queue():
    name = f"tiny-ipc-probe-{os.getpid()}".encode()
    call((240, 180), name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, None)
    call((241, 181), name)


NOWHERE = 1_000_000  # a number that no descriptor has
PATH = f"{OUTSIDE}/stream"
DATAGRAMS = f"{OUTSIDE}/datagram"
NAME = f"\0tiny-ipc-probe-{SIBLING}"

WAYS = {
    "tcp": lambda: connected(socket.AF_INET, ("127.0.0.1", TCP)),
    "tcp-listen": lambda: bound(socket.AF_INET, ("127.0.0.1", 0)),
    "tcp-ipv6": lambda: opened_socket(socket.AF_INET6, socket.SOCK_STREAM),
    "mptcp": lambda: opened_socket(socket.AF_INET, socket.SOCK_STREAM, 262),
    "udp": lambda: sent(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", UDP)),
    "raw": lambda: opened_socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "packet": lambda: opened_socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300),
    "netlink": lambda: opened_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "vsock": lambda: opened_socket(socket.AF_VSOCK, socket.SOCK_STREAM),
    "any-other-family": any_other_family,
    "unix-path": lambda: connected(socket.AF_UNIX, PATH),
    "unix-abstract": lambda: connected(socket.AF_UNIX, NAME),
    "unix-datagram": lambda: sent(socket.AF_UNIX, socket.SOCK_DGRAM, DATAGRAMS),
    "unix-raw": lambda: sent(socket.AF_UNIX, socket.SOCK_RAW, DATAGRAMS),
    "unix-bind-path": lambda: bound(socket.AF_UNIX, f"{WRITABLE}/own-socket"),
    "unix-bind-abstract": lambda: bound(socket.AF_UNIX, f"\0tiny-ipc-probe-{os.getpid()}"),
    "socketpair-sendto-path": lambda: sent_from_pair(socket.SOCK_DGRAM, DATAGRAMS),
    "socketpair-sendto-abstract": lambda: sent_from_pair(socket.SOCK_DGRAM, NAME + "d"),
    "socketpair-raw-sendto": lambda: sent_from_pair(socket.SOCK_RAW, DATAGRAMS),
    "socketpair-stream": lambda: pair(socket.SOCK_STREAM),
    "socketpair-seqpacket": lambda: pair(socket.SOCK_SEQPACKET),
    "passed-on": passed_on,
    "io_uring_setup": ring,
    "io_uring_enter": lambda: reach(errno.EBADF, 426, NOWHERE, 0, 0, 0, 0, 0),
    "io_uring_register": lambda: reach(errno.EBADF, 427, NOWHERE, 0, 0, 0),
    "add_key": lambda: call((248, 217), b"user", b"tiny-ipc-probe", b"x", 1, -2),
    "request_key": lambda: reach(errno.ENOKEY, (249, 218), b"user", b"tiny-ipc-no-such-key", None, -2),
    "keyctl": lambda: call((250, 219), 0, -2, 1),
    "bpf": bpf_map,
    "perf_event_open": perf,
    "userfaultfd": lambda: call((323, 282), 1),
    "unshare-user": lambda: call((272, 97), 0x10000000),
    "unshare-mount": lambda: call((272, 97), 0x20000),
    "clone-user": lambda: new_namespace(0x10000000),
    "clone-parent": lambda: new_namespace(0x8000),
    "setns": lambda: call((308, 268), os.pidfd_open(PARENT), 0x04000000),
    "personality": lambda: call((135, 92), 0x40000),
    "init_module": lambda: reach(errno.ENOEXEC, (175, 105), 0, 0, b""),
    "finit_module": lambda: reach(errno.EBADF, (313, 273), NOWHERE, b"", 0),
    "delete_module": lambda: reach(errno.ENOENT, (176, 106), b"tiny_ipc_no_such_module", os.O_NONBLOCK),
    "kexec_load": lambda: reach(errno.EINVAL, (246, 104), 0, 0, 0, 0xffff),
    "reboot": lambda: reach(errno.EINVAL, (169, 142), 1, 2, 3, 0),
    "swapon": lambda: reach(errno.ENOENT, (167, 224), b"/no/such/file", 0),
    "swapoff": lambda: reach(errno.ENOENT, (168, 225), b"/no/such/file"),
    "acct": lambda: reach(errno.ENOENT, (163, 89), b"/no/such/file"),
    "clock_settime": lambda: reach(errno.EINVAL, (227, 112), 0, structure(0, 1 << 63)),
    "settimeofday": lambda: reach(errno.EINVAL, (164, 170), structure(0, 1 << 63), 0),
    "adjtimex": same_frequency,
    "sethostname": same_name,
    "syslog": lambda: call((103, 116), 10, 0, 0),
    "ioperm": lambda: call((173, -1), 0x80, 1, 1),
    "iopl": lambda: call((172, -1), 3),
    "shmget": lambda: system_v((29, 194), (31, 195), 4096, 0o600),
    "msgget": lambda: system_v((68, 186), (71, 187), 0o600),
    "semget": lambda: system_v((64, 190), (66, 191), 1, 0o600),
    "mq_open": queue,
    "x32": lambda: call((0x40000000 | 110, -1)),
    "memfd_create": lambda: os.memfd_create("probe"),
}
