"""Files, by their path and by a descriptor that was passed."""

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import termios

from target import *


def in_folder():
    os.chdir(OUTSIDE)
    read("secret")


def linked(link):
    link(SECRET, f"{WRITABLE}/{link.__name__}")
    read(f"{WRITABLE}/{link.__name__}")


def mounted():
    call((165, 40), b"none", f"{OUTSIDE}/folder".encode(), b"tmpfs", 0, None)
    call((166, 39), f"{OUTSIDE}/folder".encode(), 2)


def by_handle():
    handle = (ctypes.c_uint8 * 136)()
    ctypes.cast(handle, ctypes.POINTER(ctypes.c_uint32))[0] = 128
    call((303, 264), -100, SECRET.encode(), handle, ctypes.byref(ctypes.c_int()), 0)
    call((304, 265), PASSED_FOLDER, handle, 0)


def inotify():
    watch = call((294, 26), 0)
    call((254, 27), watch, OUTSIDE.encode(), 0xfff)


def fanotify():
    watch = call((300, 262), 0x200, 0)
    call((301, 263), watch, 1, 0x20, -100, OUTSIDE.encode())


def shared_memory_of_name():
    path = f"/dev/shm/tiny-ipc-probe-{os.getpid()}"
    opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.unlink(path)


def reopened(number):
    fd = os.open(f"/proc/self/fd/{number}", os.O_RDWR)
    os.pwrite(fd, b"x", 0)


def typed():
    os.setsid()
    fcntl.ioctl(PASSED_TERMINAL, termios.TIOCSCTTY, 0)
    fcntl.ioctl(PASSED_TERMINAL, termios.TIOCSTI, b"x")


def same_flags(getting, setting, size):
    flags = fcntl.ioctl(PASSED_FILE, getting, bytes(size))
    fcntl.ioctl(PASSED_FILE, setting, flags)


WAYS = {
    "open-read": lambda: read(SECRET),
    "open-write": lambda: open(VICTIM, "r+b").close(),
    "open-append": lambda: open(VICTIM, "ab").close(),
    "create": lambda: open(f"{OUTSIDE}/created", "x").close(),
    "create-unnamed": lambda: opened(OUTSIDE, os.O_RDWR | os.O_TMPFILE),
    "openat2": lambda: call(437, -100, SECRET.encode(), structure(0, 0, 0), 24),
    "chdir-and-open": in_folder,
    "proc-self-root": lambda: read(f"/proc/self/root{SECRET}"),
    "list-folder": lambda: os.listdir(OUTSIDE),
    "etc-passwd": lambda: read("/etc/passwd"),
    "hard-link": lambda: os.link(SECRET, f"{OUTSIDE}/link"),
    "hard-link-to-granted": lambda: linked(os.link),
    "symbolic-link": lambda: os.symlink("secret", f"{OUTSIDE}/symlink"),
    "symbolic-link-from-granted": lambda: linked(os.symlink),
    "rename": lambda: os.rename(f"{OUTSIDE}/renamed-from", f"{OUTSIDE}/renamed-to"),
    "rename-to-granted": lambda: os.rename(f"{OUTSIDE}/moved-in", f"{WRITABLE}/moved-in"),
    "rename-from-granted": lambda: os.rename(f"{WRITABLE}/moved-out", f"{OUTSIDE}/moved-out"),
    "rename-exchange": lambda: call((316, 276), -100, VICTIM.encode(), -100, f"{WRITABLE}/exchanged".encode(), 2),
    "mkdir": lambda: os.mkdir(f"{OUTSIDE}/new-folder"),
    "rmdir": lambda: os.rmdir(f"{OUTSIDE}/empty"),
    "unlink": lambda: os.unlink(f"{OUTSIDE}/removed"),
    "mkfifo": lambda: os.mkfifo(f"{OUTSIDE}/fifo"),
    "mknod": lambda: os.mknod(f"{OUTSIDE}/device", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    "mknod-in-granted": lambda: os.mknod(f"{WRITABLE}/device", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    "truncate": lambda: os.truncate(VICTIM, 3),
    "chmod": lambda: os.chmod(VICTIM, 0o644),
    "chown": lambda: os.chown(VICTIM, os.getuid(), os.getgid()),
    "utimensat": lambda: os.utime(VICTIM),
    "setxattr": lambda: os.setxattr(VICTIM, "user.probe", b"1"),
    "getxattr": lambda: os.getxattr(SECRET, "user.secret"),
    "chroot": lambda: os.chroot(OUTSIDE),
    "mount": mounted,
    "fsopen": lambda: call(430, b"tmpfs", 0),
    "open_tree": lambda: call(428, -100, OUTSIDE.encode(), 1),
    "pivot_root": lambda: reach(errno.ENOENT, (155, 41), b"/no/such/folder", b"/no/such/folder"),
    "open_by_handle_at": by_handle,
    "inotify": inotify,
    "fanotify": fanotify,
    "stat": lambda: os.stat(SECRET),
    "readlink": lambda: os.readlink(f"{OUTSIDE}/pointer"),
    "write-granted": lambda: open(f"{WRITABLE}/made", "x").close(),
    "read-program": lambda: read(__file__),
    "dev-null": lambda: open("/dev/null", "w").close(),
    "dev-urandom": lambda: read("/dev/urandom"),
    "dev-kmsg": lambda: opened("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK),
    "dev-ptmx": lambda: opened("/dev/ptmx", os.O_RDWR | os.O_NOCTTY),
    "shm_open": shared_memory_of_name,
    "passed-read": lambda: os.pread(PASSED_FILE, 1, 0),
    "passed-write": lambda: os.pwrite(PASSED_WRITABLE, b"x", 0),
    "passed-connection": lambda: os.write(PASSED_TCP, b"x"),
    "passed-read-only-write": lambda: os.pwrite(PASSED_FILE, b"x", 0),
    "passed-read-only-ftruncate": lambda: os.ftruncate(PASSED_FILE, 1),
    "passed-read-only-mmap": lambda: mmap.mmap(PASSED_FILE, 1, mmap.MAP_SHARED, mmap.PROT_WRITE),
    "passed-reopen-read": lambda: read(f"/proc/self/fd/{PASSED_FILE}"),
    "passed-reopen-write": lambda: reopened(PASSED_FILE),
    "passed-memory-reopen-write": lambda: reopened(PASSED_MEMORY),
    "passed-sealed-reopen-write": lambda: reopened(PASSED_SEALED),
    "passed-link": lambda: call((265, 37), -100, f"/proc/self/fd/{PASSED_FILE}".encode(), -100, f"{WRITABLE}/named".encode(), 0x400),
    "passed-fchmod": lambda: os.fchmod(PASSED_FILE, stat.S_IMODE(os.fstat(PASSED_FILE).st_mode)),
    "passed-fchown": lambda: os.fchown(PASSED_FILE, os.getuid(), os.getgid()),
    "passed-futimens": lambda: os.utime(PASSED_FILE),
    "passed-fsetxattr": lambda: os.setxattr(PASSED_FILE, "user.probe", b"1"),
    "passed-setflags": lambda: same_flags(0x80086601, 0x40086602, 8),
    "passed-fssetxattr": lambda: same_flags(0x801c581f, 0x401c5820, 28),
    "passed-lease": lambda: fcntl.fcntl(PASSED_FILE, fcntl.F_SETLEASE, fcntl.F_RDLCK),
    "passed-pipe-reopen-read": lambda: opened("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK),
    "passed-folder-list": lambda: os.listdir(PASSED_FOLDER),
    "passed-folder-open": lambda: os.open("secret", os.O_RDONLY, dir_fd=PASSED_FOLDER),
    "passed-folder-open-above": lambda: os.open("..", os.O_RDONLY, dir_fd=PASSED_FOLDER),
    "passed-folder-unlink": lambda: os.unlink("removed-in-folder", dir_fd=PASSED_FOLDER),
    "passed-folder-chmod": lambda: os.chmod("victim", 0o644, dir_fd=PASSED_FOLDER),
    "passed-folder-watch": lambda: fcntl.fcntl(PASSED_FOLDER, fcntl.F_NOTIFY, fcntl.DN_CREATE),
    "tiocsti": typed,
}
