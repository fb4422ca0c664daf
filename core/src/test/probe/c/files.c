/* Files, by their path. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

static int list(const char *folder) {
	DIR *stream = opendir(folder);
	if (stream == NULL)
		return errno;
	errno = 0;
	int result = readdir(stream) == NULL ? errno : 0;
	closedir(stream);
	return result;
}

static int open_read(void) {
	return reading(outside("secret"));
}

static int open_write(void) {
	return opening(outside("victim"), O_WRONLY);
}

static int open_append(void) {
	return opening(outside("victim"), O_WRONLY | O_APPEND);
}

static int create(void) {
	return opening(outside("created"), O_WRONLY | O_CREAT | O_EXCL);
}

static int create_unnamed(void) {
	return opening(target.outside, O_RDWR | O_TMPFILE);
}

static int try_openat2(void) {
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
	return tried(syscall(SYS_openat2, AT_FDCWD, outside("secret"), &how, sizeof how));
}

static int change_directory(void) {
	return chdir(target.outside) < 0 ? errno : reading("secret");
}

static int proc_self_root(void) {
	return reading(in("/proc/self/root", outside("secret") + 1));
}

static int list_folder(void) {
	return list(target.outside);
}

static int etc_passwd(void) {
	return reading("/etc/passwd");
}

static int hard_link(void) {
	return tried(link(outside("secret"), outside("link")));
}

static int hard_link_to_granted(void) {
	return link(outside("secret"), writable("link")) < 0 ? errno : reading(writable("link"));
}

static int symbolic_link(void) {
	return tried(symlink("secret", outside("symlink")));
}

static int symbolic_link_from_granted(void) {
	return symlink(outside("secret"), writable("symlink")) < 0 ? errno : reading(writable("symlink"));
}

static int rename_outside(void) {
	return tried(rename(outside("renamed-from"), outside("renamed-to")));
}

static int rename_to_granted(void) {
	return tried(rename(outside("moved-in"), writable("moved-in")));
}

static int rename_from_granted(void) {
	return tried(rename(writable("moved-out"), outside("moved-out")));
}

static int exchange(void) {
	return tried(renameat2(AT_FDCWD, outside("victim"), AT_FDCWD, writable("exchanged"), RENAME_EXCHANGE));
}

static int make_folder(void) {
	return tried(mkdir(outside("new-folder"), 0700));
}

static int remove_folder(void) {
	return tried(rmdir(outside("empty")));
}

static int remove_file(void) {
	return tried(unlink(outside("removed")));
}

static int make_fifo(void) {
	return tried(mkfifo(outside("fifo"), 0600));
}

static int make_device(void) {
	return tried(mknod(outside("device"), S_IFCHR | 0600, makedev(1, 3)));
}

static int make_device_in_granted(void) {
	return tried(mknod(writable("device"), S_IFCHR | 0600, makedev(1, 3)));
}

static int try_truncate(void) {
	return tried(truncate(outside("victim"), 3));
}

static int try_chmod(void) {
	return tried(chmod(outside("victim"), 0644));
}

static int try_chown(void) {
	return tried(chown(outside("victim"), getuid(), getgid()));
}

static int try_utimensat(void) {
	return tried(utimensat(AT_FDCWD, outside("victim"), NULL, 0));
}

static int try_utimes(void) {
	return tried(utimes(outside("victim"), NULL));
}

static int try_setxattr(void) {
	return tried(setxattr(outside("victim"), "user.probe", "1", 1, 0));
}

static int try_getxattr(void) {
	char value[16];
	return tried(getxattr(outside("secret"), "user.secret", value, sizeof value));
}

static int try_chroot(void) {
	return tried(chroot(target.outside));
}

static int try_mount(void) {
	if (mount("none", outside("folder"), "tmpfs", 0, NULL) < 0)
		return errno;
	return tried(umount2(outside("folder"), MNT_DETACH));
}

static int bind_mount(void) {
	if (mount(target.outside, target.writable, NULL, MS_BIND, NULL) < 0)
		return errno;
	return tried(umount2(target.writable, MNT_DETACH));
}

static int try_fsopen(void) {
	return tried(syscall(SYS_fsopen, "tmpfs", 0));
}

static int try_open_tree(void) {
	return tried(syscall(SYS_open_tree, AT_FDCWD, target.outside, 1 /* OPEN_TREE_CLONE */));
}

static int try_pivot_root(void) {
	return reached(syscall(SYS_pivot_root, "/no/such/folder", "/no/such/folder"), ENOENT);
}

static int open_by_handle(void) {
	struct {
		struct file_handle head;
		char bytes[MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;
	if (name_to_handle_at(AT_FDCWD, outside("secret"), &handle.head, &mount, 0) < 0)
		return errno;
	return tried(open_by_handle_at(PASSED_FOLDER, &handle.head, O_RDONLY));
}

static int watch_inotify(void) {
	int fd = inotify_init1(IN_CLOEXEC);
	return fd < 0 ? errno : tried(inotify_add_watch(fd, target.outside, IN_ALL_EVENTS));
}

static int watch_fanotify(void) {
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
	return fd < 0 ? errno : tried(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, target.outside));
}

static int see_file(void) {
	struct stat status;
	return tried(stat(outside("secret"), &status));
}

static int see_link(void) {
	char text[4096];
	return tried(readlink(outside("pointer"), text, sizeof text));
}

static int write_granted(void) {
	return opening(writable("made"), O_WRONLY | O_CREAT | O_EXCL);
}

static int read_program(void) {
	return reading(target.program);
}

static int dev_null(void) {
	return opening("/dev/null", O_WRONLY);
}

static int dev_urandom(void) {
	return reading("/dev/urandom");
}

static int dev_mem(void) {
	return opening("/dev/mem", O_RDONLY);
}

static int dev_kmsg(void) {
	return opening("/dev/kmsg", O_RDONLY | O_NONBLOCK);
}

static int dev_ptmx(void) {
	return opening("/dev/ptmx", O_RDWR);
}

static int dev_kvm(void) {
	return opening("/dev/kvm", O_RDWR);
}

static int dev_fuse(void) {
	return opening("/dev/fuse", O_RDWR);
}

static int block_device(void) {
	static const char *const devices[] = {"/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0"};
	int result = ENOENT;
	for (size_t i = 0; i < sizeof devices / sizeof *devices && result != 0; i++)
		result = opening(devices[i], O_RDONLY);
	return result;
}

static int posix_memory(void) {
	char name[64];
	snprintf(name, sizeof name, "/tiny-ipc-probe-%d", getpid());
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	return fd < 0 ? errno : tried(shm_unlink(name));
}

const struct way FILE_WAYS[] = {
	{"open-read", open_read},
	{"open-write", open_write},
	{"open-append", open_append},
	{"create", create},
	{"create-unnamed", create_unnamed},
	{"openat2", try_openat2},
	{"chdir-and-open", change_directory},
	{"proc-self-root", proc_self_root},
	{"list-folder", list_folder},
	{"etc-passwd", etc_passwd},
	{"hard-link", hard_link},
	{"hard-link-to-granted", hard_link_to_granted},
	{"symbolic-link", symbolic_link},
	{"symbolic-link-from-granted", symbolic_link_from_granted},
	{"rename", rename_outside},
	{"rename-to-granted", rename_to_granted},
	{"rename-from-granted", rename_from_granted},
	{"rename-exchange", exchange},
	{"mkdir", make_folder},
	{"rmdir", remove_folder},
	{"unlink", remove_file},
	{"mkfifo", make_fifo},
	{"mknod", make_device},
	{"mknod-in-granted", make_device_in_granted},
	{"truncate", try_truncate},
	{"chmod", try_chmod},
	{"chown", try_chown},
	{"utimensat", try_utimensat},
	{"utimes", try_utimes},
	{"setxattr", try_setxattr},
	{"getxattr", try_getxattr},
	{"chroot", try_chroot},
	{"mount", try_mount},
	{"mount-bind", bind_mount},
	{"fsopen", try_fsopen},
	{"open_tree", try_open_tree},
	{"pivot_root", try_pivot_root},
	{"open_by_handle_at", open_by_handle},
	{"inotify", watch_inotify},
	{"fanotify", watch_fanotify},
	{"stat", see_file},
	{"readlink", see_link},
	{"write-granted", write_granted},
	{"read-program", read_program},
	{"dev-null", dev_null},
	{"dev-urandom", dev_urandom},
	{"dev-mem", dev_mem},
	{"dev-kmsg", dev_kmsg},
	{"dev-ptmx", dev_ptmx},
	{"dev-kvm", dev_kvm},
	{"dev-fuse", dev_fuse},
	{"block-device", block_device},
	{"shm_open", posix_memory},
	{0},
};
