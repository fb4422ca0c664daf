/* What can be made of a descriptor that was passed. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

static const char *link_of(int fd) {
	char name[32];
	snprintf(name, sizeof name, "%d", fd);
	return in("/proc/self/fd", name);
}

static int read_file(void) {
	char byte;
	return tried(pread(PASSED_FILE, &byte, 1, 0));
}

static int write_file(void) {
	return tried(pwrite(PASSED_WRITABLE, "x", 1, 0));
}

static int write_tcp(void) {
	return tried(send(PASSED_TCP, "x", 1, MSG_NOSIGNAL));
}

static int write_read_only(void) {
	return tried(pwrite(PASSED_FILE, "x", 1, 0));
}

static int truncate_read_only(void) {
	return tried(ftruncate(PASSED_FILE, 1));
}

static int map_read_only(void) {
	return mmap(NULL, 1, PROT_WRITE, MAP_SHARED, PASSED_FILE, 0) == MAP_FAILED ? errno : 0;
}

static int reopen_read(void) {
	return reading(link_of(PASSED_FILE));
}

static int reopen_file(void) {
	return opening(link_of(PASSED_FILE), O_RDWR);
}

static int reopen_memory(void) {
	int fd = open(link_of(PASSED_MEMORY), O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : tried(pwrite(fd, "x", 1, 0));
}

static int reopen_sealed(void) {
	int fd = open(link_of(PASSED_SEALED), O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : tried(pwrite(fd, "x", 1, 0));
}

static int link_file(void) {
	return tried(linkat(AT_FDCWD, link_of(PASSED_FILE), AT_FDCWD, writable("named"), AT_SYMLINK_FOLLOW));
}

static int mode_of_file(void) {
	struct stat status;
	return fstat(PASSED_FILE, &status) < 0 ? errno : tried(fchmod(PASSED_FILE, status.st_mode & 07777));
}

static int owner_of_file(void) {
	return tried(fchown(PASSED_FILE, getuid(), getgid()));
}

static int times_of_file(void) {
	return tried(futimens(PASSED_FILE, NULL));
}

static int attribute_of_file(void) {
	return tried(fsetxattr(PASSED_FILE, "user.probe", "1", 1, 0));
}

/* The same flags by another command; sets those that there are. */
static int flags_of_file(void) {
	struct fsxattr flags;
	return ioctl(PASSED_FILE, FS_IOC_FSGETXATTR, &flags) < 0 ? errno
			: tried(ioctl(PASSED_FILE, FS_IOC_FSSETXATTR, &flags));
}

static int old_flags_of_file(void) {
	int flags;
	return ioctl(PASSED_FILE, FS_IOC_GETFLAGS, &flags) < 0 ? errno : tried(ioctl(PASSED_FILE, FS_IOC_SETFLAGS, &flags));
}

/* With a version that there is not: it could not be undone. */
static int seal_file(void) {
	struct fsverity_enable_arg nothing = {0};
	return reached(ioctl(PASSED_FILE, FS_IOC_ENABLE_VERITY, &nothing), EINVAL);
}

/* Makes others wait who open the file for writing. */
static int lease(void) {
	return tried(fcntl(PASSED_FILE, F_SETLEASE, F_RDLCK));
}

static int open_in_folder(void) {
	return tried(openat(PASSED_FOLDER, "secret", O_RDONLY));
}

static int open_above_folder(void) {
	return tried(openat(PASSED_FOLDER, "../", O_RDONLY | O_DIRECTORY));
}

static int list_folder(void) {
	char entries[4096];
	return tried(syscall(SYS_getdents64, PASSED_FOLDER, entries, sizeof entries));
}

/* The end of a pipe that the child was given is enough to open the other one. */
static int reopen_output(void) {
	return opening(link_of(1), O_RDONLY | O_NONBLOCK);
}

static int remove_in_folder(void) {
	return tried(unlinkat(PASSED_FOLDER, "removed-in-folder", 0));
}

static int mode_in_folder(void) {
	return tried(fchmodat(PASSED_FOLDER, "victim", 0644, 0));
}

static int watch_folder(void) {
	return tried(fcntl(PASSED_FOLDER, F_NOTIFY, DN_CREATE));
}

static int pass_on(void) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return errno;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {"x", 1};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	*c = (struct cmsghdr) {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	*(int *) CMSG_DATA(c) = PASSED_FILE;
	return tried(sendmsg(pair[0], &header, MSG_NOSIGNAL));
}

/* Characters that the terminal's reader takes for typed ones. */
static int type_in_terminal(void) {
	return setsid() < 0 || ioctl(PASSED_TERMINAL, TIOCSCTTY, 0) < 0 ? errno
			: tried(ioctl(PASSED_TERMINAL, TIOCSTI, "x"));
}

static int paste_in_console(void) {
	char subcode = 3; /* TIOCL_PASTESEL, which only a virtual console has */
	return reached(ioctl(PASSED_TERMINAL, TIOCLINUX, &subcode), ENOTTY);
}

const struct way DESCRIPTOR_WAYS[] = {
	{"passed-read", read_file},
	{"passed-write", write_file},
	{"passed-connection", write_tcp},
	{"passed-read-only-write", write_read_only},
	{"passed-read-only-ftruncate", truncate_read_only},
	{"passed-read-only-mmap", map_read_only},
	{"passed-reopen-read", reopen_read},
	{"passed-reopen-write", reopen_file},
	{"passed-memory-reopen-write", reopen_memory},
	{"passed-sealed-reopen-write", reopen_sealed},
	{"passed-link", link_file},
	{"passed-fchmod", mode_of_file},
	{"passed-fchown", owner_of_file},
	{"passed-futimens", times_of_file},
	{"passed-fsetxattr", attribute_of_file},
	{"passed-setflags", old_flags_of_file},
	{"passed-fssetxattr", flags_of_file},
	{"passed-enable-verity", seal_file},
	{"passed-lease", lease},
	{"passed-pipe-reopen-read", reopen_output},
	{"passed-folder-list", list_folder},
	{"passed-folder-open", open_in_folder},
	{"passed-folder-open-above", open_above_folder},
	{"passed-folder-unlink", remove_in_folder},
	{"passed-folder-chmod", mode_in_folder},
	{"passed-folder-watch", watch_folder},
	{"passed-on", pass_on},
	{"tiocsti", type_in_terminal},
	{"tioclinux", paste_in_console},
	{0},
};
