/* Programs, threads and privileges: what a child starts, and what it could gain by it. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int any_capability(void) {
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	return data[0].effective | data[1].effective ? 0 : EPERM;
}

int inner(const char *action, const char *argument) {
	if (strcmp(action, "nothing") == 0)
		return 0;
	if (strcmp(action, "read") == 0)
		return reading(argument);
	if (strcmp(action, "socket") == 0)
		return tcp_socket();
	if (strcmp(action, "capability") == 0)
		return any_capability();
	if (strcmp(action, "root") == 0)
		return geteuid() == 0 ? 0 : EPERM;
	return EINVAL;
}

static int run(const char *program, const char *action, const char *argument) {
	return running((const char *const[]) {program, "inner", action, argument, NULL});
}

static int other_program(void) {
	return running((const char *const[]) {"/bin/true", NULL});
}

static int shell(void) {
	return running((const char *const[]) {"/bin/sh", "-c", "exit 0", NULL});
}

static int itself(void) {
	return run(target.program, "nothing", NULL);
}

static int itself_reads(void) {
	return run(target.program, "read", outside("secret"));
}

static int itself_opens_socket(void) {
	return run(target.program, "socket", NULL);
}

/* The program in a file that the child may write; its path, or NULL. */
static const char *copied(void) {
	const char *path = writable("program");
	int from = open(target.program, O_RDONLY | O_CLOEXEC), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	struct stat status;
	if (from < 0 || to < 0 || fstat(from, &status) < 0 || sendfile(to, from, NULL, status.st_size) < 0)
		return NULL;
	fchmod(to, 0700);
	close(to);
	return path;
}

static int written_program(void) {
	const char *path = copied();
	return path == NULL ? errno : run(path, "nothing", NULL);
}

static const char *loader(void) {
#ifdef __aarch64__
	return "/lib/ld-linux-aarch64.so.1";
#else
	return "/lib64/ld-linux-x86-64.so.2";
#endif
}

/* The loader ends with 127 if it may not read the program. */
static int by_loader(const char *program, const char *action, const char *argument) {
	int result = running((const char *const[]) {loader(), program, "inner", action, argument, NULL});
	return result == 127 ? EACCES : result;
}

static int loader_other(void) {
	fflush(NULL);
	int nothing = open("/dev/null", O_WRONLY);
	dup2(nothing, 2);
	return by_loader("/bin/true", NULL, NULL);
}

static int loader_written(void) {
	const char *path = copied();
	return path == NULL ? errno : by_loader(path, "nothing", NULL);
}

static int loader_written_reads(void) {
	const char *path = copied();
	return path == NULL ? errno : by_loader(path, "read", outside("secret"));
}

static int memory_program(const char *action, const char *argument) {
	int from = open(target.program, O_RDONLY | O_CLOEXEC);
	int memory = memfd_create("program", 0);
	struct stat status;
	if (from < 0 || memory < 0 || fstat(from, &status) < 0 || sendfile(memory, from, NULL, status.st_size) < 0)
		return errno;
	char *arguments[] = {(char *) target.program, "inner", (char *) action, (char *) argument, NULL};
	syscall(SYS_execveat, memory, "", arguments, environ, AT_EMPTY_PATH);
	return errno;
}

static int memory(void) {
	return memory_program("nothing", NULL);
}

static int memory_reads(void) {
	return memory_program("read", outside("secret"));
}

static int memory_opens_socket(void) {
	return memory_program("socket", NULL);
}

static void *read_in_thread(void *result) {
	*(int *) result = reading(outside("secret"));
	return NULL;
}

static void *open_socket_in_thread(void *result) {
	*(int *) result = tcp_socket();
	return NULL;
}

static int in_thread(void *(*action)(void *)) {
	pthread_t thread;
	int result;
	int error = pthread_create(&thread, NULL, action, &result);
	return error != 0 || (error = pthread_join(thread, NULL)) != 0 ? error : result;
}

static int thread_reads(void) {
	return in_thread(read_in_thread);
}

static int thread_opens_socket(void) {
	return in_thread(open_socket_in_thread);
}

/* A later filter that allows everything takes nothing back. */
static int allowing_filter(void) {
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = {1, &allow};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return errno;
	return tcp_socket();
}

/* A later ruleset that grants everything neither. */
static int granting_ruleset(void) {
	struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
	int ruleset = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0);
	struct landlock_path_beneath_attr all = {LANDLOCK_ACCESS_FS_READ_FILE, open("/", O_PATH | O_CLOEXEC)};
	if (ruleset < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &all, 0) < 0
			|| prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return errno;
	return reading(outside("secret"));
}

static int raise_capabilities(void) {
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	unsigned wanted = 1u << CAP_DAC_OVERRIDE | 1u << CAP_SYS_ADMIN;
	data[0].effective |= wanted;
	data[0].permitted |= wanted;
	return tried(syscall(SYS_capset, &header, data));
}

/* A program of uid 0 has all capabilities at its start, unless it may gain none. */
static int capabilities_by_exec(void) {
	return run(target.program, "capability", NULL);
}

static int other_user(void) {
	return tried(setresuid(1, 1, 1));
}

static int other_groups(void) {
	gid_t group = 1;
	return tried(syscall(SYS_setgroups, 1, &group));
}

/* A copy of this program that belongs to root: for others only. */
static int set_user_id_program(void) {
	return geteuid() == 0 ? ENOSYS : run(outside("../../set-user-id"), "root", NULL);
}

static int raise_own_limit(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return errno;
	struct rlimit lower = {0, 0}, higher = {0, 1};
	return setrlimit(RLIMIT_CORE, &lower) < 0 ? errno : tried(setrlimit(RLIMIT_CORE, &higher));
}

static int raise_own_priority(void) {
	return tried(setpriority(PRIO_PROCESS, 0, -1));
}

static int inherited_secret(void) {
	return getenv("PROBE_SECRET") != NULL ? 0 : ENOENT;
}

const struct way PROGRAM_WAYS[] = {
	{"exec-other", other_program},
	{"exec-shell", shell},
	{"exec-itself", itself},
	{"exec-itself-reads", itself_reads},
	{"exec-itself-tcp", itself_opens_socket},
	{"exec-written", written_program},
	{"loader-other", loader_other},
	{"loader-written", loader_written},
	{"loader-written-reads", loader_written_reads},
	{"exec-memory", memory},
	{"exec-memory-reads", memory_reads},
	{"exec-memory-tcp", memory_opens_socket},
	{"thread-reads", thread_reads},
	{"thread-tcp", thread_opens_socket},
	{"seccomp-over", allowing_filter},
	{"landlock-over", granting_ruleset},
	{"capset", raise_capabilities},
	{"capabilities-by-exec", capabilities_by_exec},
	{"setuid", other_user},
	{"setgroups", other_groups},
	{"set-user-id-program", set_user_id_program},
	{"raise-own-limit", raise_own_limit},
	{"raise-own-priority", raise_own_priority},
	{"environment", inherited_secret},
	{0},
};
