/*
 * probe try <outside> <writable> <parent> <sibling> <guard> <tcp> <udp>
 *     receives the descriptors at descriptor 3, and prints a line for each attempt:
 *     its name, a tab, and `allowed` or `refused` with the name of the error
 * probe serve <folder>
 *     is the sibling
 * probe inner <action> [<argument>]
 *     makes a single attempt, whose error number it exits with
 */
#define _GNU_SOURCE
#include "probe.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct target target;

const char *in(const char *folder, const char *name) {
	static char paths[8][4096];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

const char *outside(const char *name) {
	return in(target.outside, name);
}

const char *writable(const char *name) {
	return in(target.writable, name);
}

const char *proc(pid_t process, const char *name) {
	char folder[32];
	snprintf(folder, sizeof folder, "/proc/%d", process);
	return in(folder, name);
}

int opening(const char *path, int flags) {
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int reading(const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	char byte;
	return tried(read(fd, &byte, 1));
}

int in_process(int (*action)(void)) {
	fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		alarm(20);
		_exit(action());
	}
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	/* Above all error numbers. */
	return WIFSIGNALED(status) ? 200 + WTERMSIG(status) : WEXITSTATUS(status);
}

static const char *const *program;

static int execute(void) {
	execv(program[0], (char *const *) program);
	return errno;
}

int running(const char *const arguments[]) {
	program = arguments;
	return in_process(execute);
}

static void try_all(const struct way *ways) {
	for (; ways->name; ways++) {
		int result = in_process(ways->attempt);
		if (result == 0)
			printf("%s\tallowed\n", ways->name);
		else if (result > 200)
			printf("%s\trefused SIG%s\n", ways->name, sigabbrev_np(result - 200));
		else
			printf("%s\trefused %s\n", ways->name, strerrorname_np(result) ? strerrorname_np(result) : "?");
	}
}

static void receive_descriptors(void) {
	enum { COUNT = PASSED_END - PASSED_FILE };
	int descriptors[COUNT];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof descriptors)];
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (recvmsg(3, &header, 0) < 0)
		err(1, "recvmsg");
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	if (c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof descriptors))
		errx(1, "there must be %d descriptors", COUNT);
	memcpy(descriptors, CMSG_DATA(c), sizeof descriptors);
	for (int i = 0; i < COUNT; i++)
		if (dup2(descriptors[i], PASSED_FILE + i) < 0 || close(descriptors[i]) < 0)
			err(1, "dup2");
}

int main(int count, char **arguments) {
	target.program = arguments[0];
	if (count == 3 && strcmp(arguments[1], "serve") == 0)
		return serve(arguments[2]);
	if (count >= 3 && strcmp(arguments[1], "inner") == 0)
		return inner(arguments[2], arguments[3]);
	if (count != 9 || strcmp(arguments[1], "try") != 0)
		errx(2, "probe try <outside> <writable> <parent> <sibling> <guard> <tcp> <udp>");
	target.outside = arguments[2];
	target.writable = arguments[3];
	target.parent = atoi(arguments[4]);
	target.sibling = atoi(arguments[5]);
	target.guard = atoi(arguments[6]);
	target.tcp = atoi(arguments[7]);
	target.udp = atoi(arguments[8]);
	receive_descriptors();
	const struct way *const all[] = {FILE_WAYS, DESCRIPTOR_WAYS, PROC_WAYS, PROCESS_WAYS, SOCKET_WAYS, PROGRAM_WAYS,
			KERNEL_WAYS};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		try_all(all[i]);
	return 0;
}
