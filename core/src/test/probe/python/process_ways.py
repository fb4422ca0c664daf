"""Other processes, and what a child starts itself."""

import ctypes
import errno
import fcntl
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import threading

from target import *


def listed(path):
    if not os.listdir(path):
        raise OSError(errno.ENOENT, path)


def descriptor_opened():
    refused = OSError(errno.ENOENT, "no descriptor can be opened")
    for number in range(64):
        try:
            return opened(f"/proc/{PARENT}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno not in (errno.ENXIO, errno.ENOENT):
                refused = error
    raise refused


def same_oom_score():
    with open(f"/proc/{PARENT}/oom_score_adj", "r+b", buffering=0) as file:
        value = file.read()
        file.seek(0)
        file.write(value)


def memory_moved(number):
    """Address 0 is nobody's: whoever gets so far is told EFAULT."""
    here = ctypes.create_string_buffer(1)
    reach(errno.EFAULT, number, PARENT, structure(ctypes.addressof(here), 1), 1, structure(0, 1), 1, 0)


def own_child():
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        os.kill(child, signal.SIGKILL)
    finally:
        os.waitpid(child, 0)


def signal_by_io(owner):
    """The sibling tells by its socket that it was signalled."""
    source, sink = os.pipe()
    fcntl.fcntl(source, fcntl.F_SETOWN, owner)
    fcntl.fcntl(source, fcntl.F_SETSIG, signal.SIGUSR1)
    fcntl.fcntl(source, fcntl.F_SETFL, os.O_ASYNC)
    os.write(sink, b"x")
    if not select.select([PASSED_SIBLING], [], [], 1)[0] or not os.read(PASSED_SIBLING, 1):
        raise OSError(errno.EPERM, "the sibling was not signalled")


def run(*command):
    code = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if code == 127:
        raise OSError(errno.EACCES, "the loader may not read it")
    if code != 0:
        raise OSError(code, "by the program")


def script(statement):
    """It exits with the error number."""
    return f"import os, socket\ntry: {statement}\nexcept OSError as error: os._exit(error.errno)"


def python(statement):
    run(sys.executable, "-c", script(statement))


def in_thread(action):
    outcome = []

    def act():
        try:
            action()
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    if outcome:
        raise outcome[0]


def written():
    path = f"{WRITABLE}/program"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with open(os.path.realpath(sys.executable), "rb") as source, open(fd, "wb") as copy:
        shutil.copyfileobj(source, copy)
    run(path, "-c", "pass")


def memory_program(statement):
    with open(os.path.realpath(sys.executable), "rb") as source:
        memory = os.memfd_create("program", 0)
        os.write(memory, source.read())
    child = os.fork()
    if child == 0:
        try:
            os.execve(memory, [sys.executable, "-c", script(statement)], os.environ)
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise OSError(code, "by the program")


def capabilities(wanted):
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    call((125, 90), header, data)
    data[0] |= wanted
    data[1] |= wanted
    call((126, 91), header, data)


def environment():
    if "PROBE_SECRET" not in os.environ:
        raise OSError(errno.ENOENT, "it is not inherited")


def handle():
    return os.pidfd_open(PARENT)


READ_SECRET = f"open({SECRET!r}).close()"
OPEN_SOCKET = "socket.socket().close()"

WAYS = {
    "parent-mem": lambda: opened(f"/proc/{PARENT}/mem", os.O_RDWR),
    "parent-environ": lambda: read(f"/proc/{PARENT}/environ"),
    "parent-maps": lambda: read(f"/proc/{PARENT}/maps"),
    "parent-fd": lambda: listed(f"/proc/{PARENT}/fd"),
    "parent-fd-readlink": lambda: os.readlink(f"/proc/{PARENT}/fd/0"),
    "parent-fd-open": descriptor_opened,
    "parent-cwd": lambda: opened(f"/proc/{PARENT}/cwd/."),
    "parent-root": lambda: read(f"/proc/{PARENT}/root{SECRET}"),
    "parent-exe": lambda: read(f"/proc/{PARENT}/exe"),
    "parent-cmdline": lambda: read(f"/proc/{PARENT}/cmdline"),
    "parent-status": lambda: read(f"/proc/{PARENT}/status"),
    "parent-task": lambda: listed(f"/proc/{PARENT}/task"),
    "parent-oom_score_adj": same_oom_score,
    "sibling-environ": lambda: read(f"/proc/{SIBLING}/environ"),
    "sibling-mem": lambda: opened(f"/proc/{SIBLING}/mem", os.O_RDWR),
    "sibling-cmdline": lambda: read(f"/proc/{SIBLING}/cmdline"),
    "guard-environ": lambda: read(f"/proc/{GUARD}/environ"),
    "guard-fd": lambda: listed(f"/proc/{GUARD}/fd"),
    "init-root": lambda: read("/proc/1/root/etc/passwd"),
    "init-environ": lambda: read("/proc/1/environ"),
    "init-cmdline": lambda: read("/proc/1/cmdline"),
    "proc-list": lambda: listed("/proc"),
    "proc-net": lambda: read("/proc/self/net/tcp"),
    "proc-mounts": lambda: read("/proc/self/mounts"),
    "proc-cpuinfo": lambda: read("/proc/cpuinfo"),
    "core_pattern": lambda: opened("/proc/sys/kernel/core_pattern", os.O_WRONLY),
    "sys-write": lambda: opened("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY),
    "sys-net": lambda: listed("/sys/class/net"),
    "kill-parent": lambda: os.kill(PARENT, HARMLESS),
    "kill-sibling": lambda: os.kill(SIBLING, HARMLESS),
    "kill-guard": lambda: os.kill(GUARD, HARMLESS),
    "kill-group": lambda: os.killpg(os.getpgid(SIBLING), HARMLESS),
    "tgkill": lambda: call((234, 131), PARENT, PARENT, HARMLESS),
    "pidfd_send_signal": lambda: signal.pidfd_send_signal(handle(), HARMLESS),
    "sigio": lambda: signal_by_io(SIBLING),
    "sigio-group": lambda: signal_by_io(-os.getpgid(SIBLING)),
    "kill-own-child": own_child,
    "ptrace-parent": lambda: call((101, 117), 0x4206, PARENT, 0, 0),
    "ptrace-sibling": lambda: call((101, 117), 0x4206, SIBLING, 0, 0),
    "ptrace-guard": lambda: call((101, 117), 0x4206, GUARD, 0, 0),
    "ptrace-traceme": lambda: call((101, 117), 0, 0, 0, 0),
    "process_vm_readv": lambda: memory_moved((310, 270)),
    "process_vm_writev": lambda: memory_moved((311, 271)),
    "process_mrelease": lambda: reach(errno.EINVAL, 448, handle(), 0),
    "pidfd_getfd": lambda: call(438, handle(), 0, 0),
    "kcmp": lambda: call((312, 272), os.getpid(), PARENT, 1, 0, 0),
    "setpriority": lambda: os.setpriority(os.PRIO_PROCESS, PARENT, os.getpriority(os.PRIO_PROCESS, PARENT)),
    "prlimit-read": lambda: resource.prlimit(PARENT, resource.RLIMIT_NOFILE),
    "prlimit": lambda: resource.prlimit(SIBLING, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)),
    "sched_setaffinity": lambda: os.sched_setaffinity(PARENT, os.sched_getaffinity(PARENT)),
    "sched_setscheduler": lambda: os.sched_setscheduler(PARENT, os.SCHED_OTHER, os.sched_param(0)),
    "ioprio_set": lambda: call((251, 30), 1, PARENT, call((252, 31), 1, PARENT)),
    "exec-other": lambda: run("/bin/true"),
    "exec-shell": lambda: run("/bin/sh", "-c", "exit 0"),
    "exec-itself": lambda: python("pass"),
    "exec-itself-reads": lambda: python(READ_SECRET),
    "exec-itself-tcp": lambda: python(OPEN_SOCKET),
    "exec-written": written,
    "exec-memory": lambda: memory_program("pass"),
    "exec-memory-reads": lambda: memory_program(READ_SECRET),
    "exec-memory-tcp": lambda: memory_program(OPEN_SOCKET),
    "thread-reads": lambda: in_thread(lambda: read(SECRET)),
    "thread-tcp": lambda: in_thread(tcp_socket),
    "capset": lambda: capabilities(1 << 1 | 1 << 21),
    "setuid": lambda: os.setresuid(1, 1, 1),
    "setgroups": lambda: os.setgroups([1]),
    "raise-own-priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -1),
    "environment": environment,
}
