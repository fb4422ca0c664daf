/*
 * A child that tries every way out of a sandbox, each in a process of its own.
 *
 * An attempt returns 0 if it worked, and otherwise the error number that it was refused
 * with. It is harmless where it works: signals are those that nobody notices, values are
 * set to what they are, and files are touched only in the folder that was made for it.
 * What would do harm is called with arguments that the kernel itself must refuse, with
 * another error than a sandbox: an attempt that gets as far as that has worked.
 */
#ifndef PROBE_H
#define PROBE_H

#include <errno.h>
#include <sys/types.h>

struct way {
	const char *name;
	int (*attempt)(void);
};

/* Each list ends with a way without a name. */
extern const struct way FILE_WAYS[], DESCRIPTOR_WAYS[], PROC_WAYS[], PROCESS_WAYS[], SOCKET_WAYS[], PROGRAM_WAYS[],
		KERNEL_WAYS[];

/* Where and whom an attempt is aimed at. */
extern struct target {
	/* The program itself, an absolute path. */
	const char *program;
	/* A folder that the child was not granted, and one that it may write in. */
	const char *outside, *writable;
	pid_t parent, sibling, guard;
	/* Where the sibling listens: it also does at two sockets in the folder, and at an abstract name. */
	int tcp, udp;
} target;

/* The descriptors that the parent passed, by the numbers that they are moved to. */
enum passed {
	PASSED_FILE = 100, /* a file outside, read-only */
	PASSED_MEMORY,     /* a memory file, read-only */
	PASSED_SEALED,     /* a memory file, sealed, read-only */
	PASSED_FOLDER,     /* the folder outside */
	PASSED_WRITABLE,   /* another file outside, for reading and writing */
	PASSED_TCP,        /* a connection */
	PASSED_TERMINAL,   /* a pseudoterminal that is nobody's controlling terminal */
	PASSED_SIBLING,    /* a socket at which the sibling tells of SIGUSR1 */
	PASSED_END,
};

#define ABSTRACT_NAME "tiny-ipc-probe-%d" /* with the sibling's process id */

/* The error number of a call that returned this, or 0. */
static inline int tried(long result) {
	return result < 0 ? errno : 0;
}

/* The same for a call that reports an error of its own once it is let through. */
static inline int reached(long result, int error) {
	return result < 0 && errno != error ? errno : 0;
}

/* Paths of a file in a folder, and of one of a process; overwritten some calls later. */
const char *in(const char *folder, const char *name);
const char *outside(const char *name);
const char *writable(const char *name);
const char *proc(pid_t process, const char *name);

/* Opens and reads a byte. */
int reading(const char *path);
/* Opens and closes. */
int opening(const char *path, int flags);
/* Opens a TCP socket. */
int tcp_socket(void);
/* Runs a program to its end; what it exits with is the result. */
int running(const char *const arguments[]);
/* Runs an action in a process of its own. */
int in_process(int (*action)(void));

/* What the program does if it is started once more by itself: see main(). */
int inner(const char *action, const char *argument);

/* Listens at everything that attempts are aimed at, until it is killed. */
int serve(const char *folder);

#endif
