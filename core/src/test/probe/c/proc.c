/* What /proc and /sys show of others, and let be changed. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int list(const char *folder) {
	DIR *stream = opendir(folder);
	if (stream == NULL)
		return errno;
	errno = 0;
	return readdir(stream) == NULL ? errno : 0;
}

static int look_at_link(const char *path) {
	char text[4096];
	return tried(readlink(path, text, sizeof text));
}

static int parent_memory(void) {
	return opening(proc(target.parent, "mem"), O_RDWR);
}

static int parent_environment(void) {
	return reading(proc(target.parent, "environ"));
}

static int parent_maps(void) {
	return reading(proc(target.parent, "maps"));
}

static int parent_descriptors(void) {
	return list(proc(target.parent, "fd"));
}

static int parent_descriptor_link(void) {
	return look_at_link(proc(target.parent, "fd/0"));
}

static int parent_descriptor_open(void) {
	int result = ENOENT;
	for (int fd = 0; fd < 64 && result != 0; fd++) {
		char name[32];
		snprintf(name, sizeof name, "fd/%d", fd);
		int error = opening(proc(target.parent, name), O_RDONLY | O_NONBLOCK);
		/* Sockets cannot be opened, and have nothing to do with it. */
		if (error != ENXIO && error != ENOENT)
			result = error;
	}
	return result;
}

static int parent_directory(void) {
	return opening(proc(target.parent, "cwd/."), O_RDONLY | O_DIRECTORY);
}

static int parent_root(void) {
	return reading(in(proc(target.parent, "root"), outside("secret") + 1));
}

static int parent_program(void) {
	return reading(proc(target.parent, "exe"));
}

static int parent_command_line(void) {
	return reading(proc(target.parent, "cmdline"));
}

static int parent_status(void) {
	return reading(proc(target.parent, "status"));
}

static int parent_threads(void) {
	return list(proc(target.parent, "task"));
}

static int parent_oom_score(void) {
	int fd = open(proc(target.parent, "oom_score_adj"), O_RDWR);
	if (fd < 0)
		return errno;
	char value[16];
	ssize_t length = read(fd, value, sizeof value);
	return length < 0 || lseek(fd, 0, SEEK_SET) < 0 ? errno : tried(write(fd, value, length));
}

static int sibling_environment(void) {
	return reading(proc(target.sibling, "environ"));
}

static int sibling_memory(void) {
	return opening(proc(target.sibling, "mem"), O_RDWR);
}

static int sibling_command_line(void) {
	return reading(proc(target.sibling, "cmdline"));
}

static int guard_environment(void) {
	return reading(proc(target.guard, "environ"));
}

static int guard_descriptors(void) {
	return list(proc(target.guard, "fd"));
}

static int init_root(void) {
	return reading("/proc/1/root/etc/passwd");
}

static int init_environment(void) {
	return reading("/proc/1/environ");
}

static int init_command_line(void) {
	return reading("/proc/1/cmdline");
}

static int processes(void) {
	return list("/proc");
}

static int connections(void) {
	return reading("/proc/self/net/tcp");
}

static int mounts(void) {
	return reading("/proc/self/mounts");
}

static int processors(void) {
	return reading("/proc/cpuinfo");
}

/* Opened only: what is written there would take effect. */
static int core_pattern(void) {
	return opening("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int sysrq_trigger(void) {
	return opening("/proc/sysrq-trigger", O_WRONLY);
}

static int huge_pages(void) {
	return opening("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY);
}

static int network_devices(void) {
	return list("/sys/class/net");
}

const struct way PROC_WAYS[] = {
	{"parent-mem", parent_memory},
	{"parent-environ", parent_environment},
	{"parent-maps", parent_maps},
	{"parent-fd", parent_descriptors},
	{"parent-fd-readlink", parent_descriptor_link},
	{"parent-fd-open", parent_descriptor_open},
	{"parent-cwd", parent_directory},
	{"parent-root", parent_root},
	{"parent-exe", parent_program},
	{"parent-cmdline", parent_command_line},
	{"parent-status", parent_status},
	{"parent-task", parent_threads},
	{"parent-oom_score_adj", parent_oom_score},
	{"sibling-environ", sibling_environment},
	{"sibling-mem", sibling_memory},
	{"sibling-cmdline", sibling_command_line},
	{"guard-environ", guard_environment},
	{"guard-fd", guard_descriptors},
	{"init-root", init_root},
	{"init-environ", init_environment},
	{"init-cmdline", init_command_line},
	{"proc-list", processes},
	{"proc-net", connections},
	{"proc-mounts", mounts},
	{"proc-cpuinfo", processors},
	{"core_pattern", core_pattern},
	{"sysrq-trigger", sysrq_trigger},
	{"sys-write", huge_pages},
	{"sys-net", network_devices},
	{0},
};
