/* Other processes, by system calls. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ignored by all who do not ask for it. */
#define HARMLESS SIGWINCH

static int kill_parent(void) {
	return tried(kill(target.parent, HARMLESS));
}

static int kill_sibling(void) {
	return tried(kill(target.sibling, HARMLESS));
}

static int kill_guard(void) {
	return tried(kill(target.guard, HARMLESS));
}

static int kill_group(void) {
	return tried(kill(-getpgid(target.sibling), HARMLESS));
}

static int kill_thread(void) {
	return tried(syscall(SYS_tgkill, target.parent, target.parent, HARMLESS));
}

static int kill_thread_directly(void) {
	return tried(syscall(SYS_tkill, target.parent, HARMLESS));
}

static int queue_signal(void) {
	return tried(sigqueue(target.parent, HARMLESS, (union sigval) {0}));
}

static int parent_handle(void) {
	return syscall(SYS_pidfd_open, target.parent, 0);
}

static int signal_by_handle(void) {
	int handle = parent_handle();
	return handle < 0 ? errno : tried(syscall(SYS_pidfd_send_signal, handle, HARMLESS, NULL, 0));
}

static int own_child(void) {
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int result = child < 0 ? errno : tried(kill(child, SIGKILL));
	waitpid(child, NULL, 0);
	return result;
}

/* Seizing does not stop anybody, and ends with this process. */
static int trace_parent(void) {
	return tried(ptrace(PTRACE_SEIZE, target.parent, NULL, NULL));
}

static int trace_sibling(void) {
	return tried(ptrace(PTRACE_SEIZE, target.sibling, NULL, NULL));
}

static int trace_guard(void) {
	return tried(ptrace(PTRACE_SEIZE, target.guard, NULL, NULL));
}

static int trace_me(void) {
	return tried(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

/* Nothing is at address 0: whoever gets so far is told EFAULT. */
static int read_memory(void) {
	char byte;
	struct iovec local = {&byte, 1}, remote = {NULL, 1};
	return reached(process_vm_readv(target.parent, &local, 1, &remote, 1, 0), EFAULT);
}

static int write_memory(void) {
	char byte = 0;
	struct iovec local = {&byte, 1}, remote = {NULL, 1};
	return reached(process_vm_writev(target.parent, &local, 1, &remote, 1, 0), EFAULT);
}

static int advise_memory(void) {
	struct iovec nothing = {NULL, 0};
	int handle = parent_handle();
	return handle < 0 ? errno : tried(syscall(SYS_process_madvise, handle, &nothing, 1, 20 /* MADV_COLD */, 0));
}

/* A process that is not dying is refused with EINVAL. */
static int release_memory(void) {
	int handle = parent_handle();
	return handle < 0 ? errno : reached(syscall(SYS_process_mrelease, handle, 0), EINVAL);
}

static int move_pages_of_parent(void) {
	return tried(syscall(SYS_move_pages, target.parent, 0, NULL, NULL, NULL, 0));
}

static int migrate_pages_of_parent(void) {
	unsigned long nodes = 1;
	return tried(syscall(SYS_migrate_pages, target.parent, 8, &nodes, &nodes));
}

static int steal_descriptor(void) {
	int handle = parent_handle();
	return handle < 0 ? errno : tried(syscall(SYS_pidfd_getfd, handle, 0, 0));
}

static int compare(void) {
	return tried(syscall(SYS_kcmp, getpid(), target.parent, KCMP_VM, 0, 0));
}

static int robust_list(void) {
	void *head;
	size_t length;
	return tried(syscall(SYS_get_robust_list, target.parent, &head, &length));
}

static int priority(void) {
	errno = 0;
	int value = getpriority(PRIO_PROCESS, target.parent);
	return errno != 0 ? errno : tried(setpriority(PRIO_PROCESS, target.parent, value));
}

static int priority_of_user(void) {
	errno = 0;
	int value = getpriority(PRIO_PROCESS, target.sibling);
	return errno != 0 ? errno : tried(setpriority(PRIO_PGRP, getpgid(target.sibling), value));
}

static int read_limits(void) {
	struct rlimit limit;
	return tried(prlimit(target.parent, RLIMIT_NOFILE, NULL, &limit));
}

static int limits(void) {
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	prlimit(target.sibling, RLIMIT_NOFILE, NULL, &limit);
	return tried(prlimit(target.sibling, RLIMIT_NOFILE, &limit, NULL));
}

static int affinity(void) {
	cpu_set_t processors;
	if (sched_getaffinity(target.parent, sizeof processors, &processors) < 0)
		return errno;
	return tried(sched_setaffinity(target.parent, sizeof processors, &processors));
}

static int scheduler(void) {
	struct sched_param parameter = {0};
	return tried(sched_setscheduler(target.parent, SCHED_OTHER, &parameter));
}

static int scheduler_attributes(void) {
	char attributes[56] = {0};
	if (syscall(SYS_sched_getattr, target.parent, attributes, sizeof attributes, 0) < 0)
		return errno;
	return tried(syscall(SYS_sched_setattr, target.parent, attributes, 0));
}

static int scheduler_parameter(void) {
	struct sched_param parameter = {0};
	return tried(sched_setparam(target.parent, &parameter));
}

static int io_priority(void) {
	long value = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, target.parent);
	return value < 0 ? errno : tried(syscall(SYS_ioprio_set, 1, target.parent, value));
}

/* Has the kernel signal on the child's behalf. The sibling tells by its socket that it was signalled. */
static int signal_by_io(pid_t owner) {
	int ends[2];
	if (pipe(ends) < 0 || fcntl(ends[0], F_SETOWN, owner) < 0 || fcntl(ends[0], F_SETSIG, SIGUSR1) < 0
			|| fcntl(ends[0], F_SETFL, O_ASYNC) < 0 || write(ends[1], "x", 1) < 0)
		return errno;
	struct pollfd told = {PASSED_SIBLING, POLLIN, 0};
	char byte;
	return poll(&told, 1, 1000) > 0 && recv(PASSED_SIBLING, &byte, 1, 0) == 1 ? 0 : EPERM;
}

static int signal_process_by_io(void) {
	return signal_by_io(target.sibling);
}

static int signal_group_by_io(void) {
	return signal_by_io(-getpgid(target.sibling));
}

const struct way PROCESS_WAYS[] = {
	{"kill-parent", kill_parent},
	{"kill-sibling", kill_sibling},
	{"kill-guard", kill_guard},
	{"kill-group", kill_group},
	{"tgkill", kill_thread},
	{"tkill", kill_thread_directly},
	{"sigqueue", queue_signal},
	{"pidfd_send_signal", signal_by_handle},
	{"sigio", signal_process_by_io},
	{"sigio-group", signal_group_by_io},
	{"kill-own-child", own_child},
	{"ptrace-parent", trace_parent},
	{"ptrace-sibling", trace_sibling},
	{"ptrace-guard", trace_guard},
	{"ptrace-traceme", trace_me},
	{"process_vm_readv", read_memory},
	{"process_vm_writev", write_memory},
	{"process_madvise", advise_memory},
	{"process_mrelease", release_memory},
	{"move_pages", move_pages_of_parent},
	{"migrate_pages", migrate_pages_of_parent},
	{"pidfd_getfd", steal_descriptor},
	{"kcmp", compare},
	{"get_robust_list", robust_list},
	{"setpriority", priority},
	{"setpriority-group", priority_of_user},
	{"prlimit-read", read_limits},
	{"prlimit", limits},
	{"sched_setaffinity", affinity},
	{"sched_setscheduler", scheduler},
	{"sched_setattr", scheduler_attributes},
	{"sched_setparam", scheduler_parameter},
	{"ioprio_set", io_priority},
	{0},
};
