// The reference: a parent in C. The protocol with the harness, and the works, are described in README.md.
//
// The program "child" lies beside it.
#define _GNU_SOURCE
#include "messages.h"

#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 256, SPAWNED_SIZE = 64 };

extern char **environ;

static char child_path[4096];

// What is prepared.
static struct {
	char work[32];
	char size[32];
	char count[32];
	int sockets[MAX_SOCKETS];
	int socket_count;
	pid_t child;
	struct message message;
	int poller;
	int file;
} turn;

static pid_t start_child(int *socket)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		fail("socketpair");
	}
	char *arguments[] = { child_path, turn.work, turn.size, turn.count, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	// With 3 itself dup2 would leave it close-on-exec.
	int end = pair[1] == 3 ? fcntl(pair[1], F_DUPFD_CLOEXEC, 4) : pair[1];
	posix_spawn_file_actions_adddup2(&actions, end, 3);
	posix_spawn_file_actions_addclosefrom_np(&actions, 4);
	pid_t pid;
	if (posix_spawn(&pid, child_path, &actions, NULL, arguments, environ) != 0) {
		fail("posix_spawn");
	}
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	if (end != pair[1]) {
		close(end);
	}
	*socket = pair[0];
	return pid;
}

static void open_sockets(int count)
{
	struct message note = message_of(1);
	for (int i = 1; i < count; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
			fail("socketpair");
		}
		turn.sockets[i] = pair[0];
		send_descriptor(turn.sockets[0], &note, pair[1]);
		close(pair[1]);
	}
	turn.socket_count = count;
}

static bool round_trip(int socket)
{
	send_message(socket, &turn.message);
	return receive_message(socket, &turn.message);
}

static bool sum(void)
{
	uint64_t sum;
	struct message answer = message_of(sizeof sum);
	send_message(turn.sockets[0], &turn.message);
	receive_message(turn.sockets[0], &answer);
	memcpy(&sum, answer.bytes, sizeof sum);
	free(answer.bytes - HEADER_SIZE);
	return sum == 7 * turn.message.size;
}

static void trip_with_descriptor(void)
{
	send_descriptor(turn.sockets[0], &turn.message, turn.file);
	receive_message(turn.sockets[0], &turn.message);
}

static void poll_all(void)
{
	for (int i = 0; i < turn.socket_count; i++) {
		send_message(turn.sockets[i], &turn.message);
	}
	struct epoll_event events[BATCH_SIZE];
	for (int left = turn.socket_count; left > 0;) {
		int ready = epoll_wait(turn.poller, events, BATCH_SIZE, -1);
		for (int i = 0; i < ready; i++) {
			receive_message(events[i].data.fd, &turn.message);
		}
		left -= ready;
	}
}

static uint64_t finish_one_way(void)
{
	turn.message.bytes[0] = 1;
	send_message(turn.sockets[0], &turn.message);
	turn.message.bytes[0] = 0;
	struct message answer = message_of(sizeof(uint64_t));
	receive_message(turn.sockets[0], &answer);
	uint64_t count;
	memcpy(&count, answer.bytes, sizeof count);
	free(answer.bytes - HEADER_SIZE);
	return count;
}

static void say_result(uint64_t operations, uint64_t time)
{
	printf("result %lu %lu\n", operations, time);
}

static void run_spawn(uint64_t duration)
{
	uint64_t operations = 0;
	uint64_t timed = 0;
	for (uint64_t end = nanoseconds() + duration; nanoseconds() < end || operations == 0; operations++) {
		uint64_t start = nanoseconds();
		int socket;
		pid_t pid = start_child(&socket);
		round_trip(socket);
		timed += nanoseconds() - start;
		close(socket);
		waitpid(pid, NULL, 0);
	}
	say_result(operations, timed);
}

static void run_idle(uint64_t duration)
{
	struct rusage before;
	struct rusage after;
	getrusage(RUSAGE_SELF, &before);
	uint64_t start = nanoseconds();
	usleep(duration / 1000);
	uint64_t time = nanoseconds() - start;
	getrusage(RUSAGE_SELF, &after);
	double cpu = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e3
		+ (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e3;
	long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	if (statm == NULL || fscanf(statm, "%*d %ld", &pages) != 1) {
		fail("/proc/self/statm");
	}
	fclose(statm);
	printf("result 1 %lu threads=1 cpu=%g rss=%g\n", time, cpu / (time / 1e9),
		pages * (double) sysconf(_SC_PAGESIZE) / (1024 * 1024));
}

static void run(uint64_t duration)
{
	uint64_t operations = 0;
	uint64_t start = nanoseconds();
	uint64_t end = start + duration;
	uint64_t now;
	if (strcmp(turn.work, "spawn") == 0) {
		run_spawn(duration);
		return;
	}
	if (strcmp(turn.work, "idle") == 0) {
		run_idle(duration);
		return;
	}
	bool one_way = strncmp(turn.work, "oneway", 6) == 0;
	bool batch = strcmp(turn.work, "oneway-batch") == 0;
	bool poller = strcmp(turn.work, "poller") == 0;
	bool descriptor = strcmp(turn.work, "descriptor") == 0;
	bool sums = strcmp(turn.work, "sum") == 0;
	do {
		if (batch) {
			operations += send_batch(turn.sockets[0], &turn.message, BATCH_SIZE);
		} else if (one_way) {
			send_message(turn.sockets[0], &turn.message);
			operations++;
		} else if (poller) {
			poll_all();
			operations += turn.socket_count;
		} else if (descriptor) {
			trip_with_descriptor();
			operations++;
		} else if (sums) {
			sum();
			operations++;
		} else {
			round_trip(turn.sockets[0]);
			operations++;
		}
		now = nanoseconds();
	} while (now < end);
	if (one_way) {
		operations++;
		uint64_t count = finish_one_way();
		if (count != operations) {
			fprintf(stderr, "%lu messages came of %lu\n", count, operations);
			exit(1);
		}
	}
	say_result(operations, nanoseconds() - start);
}

static void done(void)
{
	for (int i = 0; i < turn.socket_count; i++) {
		close(turn.sockets[i]);
	}
	if (turn.child > 0) {
		waitpid(turn.child, NULL, 0);
	}
	if (turn.message.bytes != NULL) {
		free(turn.message.bytes - HEADER_SIZE);
	}
	if (turn.poller > 0) {
		close(turn.poller);
	}
	if (turn.file > 0) {
		close(turn.file);
	}
	memset(&turn, 0, sizeof turn);
}

static void watch_all(void)
{
	turn.poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < turn.socket_count; i++) {
		struct epoll_event interest = { .events = EPOLLIN, .data.fd = turn.sockets[i] };
		epoll_ctl(turn.poller, EPOLL_CTL_ADD, turn.sockets[i], &interest);
	}
}

static bool is_one_of(const char *work, const char *const *works)
{
	for (; *works != NULL; works++) {
		if (strcmp(work, *works) == 0) {
			return true;
		}
	}
	return false;
}

// The parameter is the size for some works, and the number of sockets for the others.
static const char *prepare(const char *work, const char *parameter)
{
	static const char *const sized[] = { "roundtrip", "oneway", "oneway-batch", "sum", NULL };
	static const char *const numbered[] = { "sockets", "poller", "idle", NULL };
	bool by_size = is_one_of(work, sized);
	bool by_number = is_one_of(work, numbered);
	bool spawn = strcmp(work, "spawn") == 0 && strcmp(parameter, "c") == 0;
	if (!by_size && !by_number && !spawn && strcmp(work, "descriptor") != 0) {
		return "no encoding of its own, and no pool";
	}
	if (strcmp(work, "oneway-batch") == 0 && atol(parameter) > PACKET_SIZE) {
		return "batches are of packets";
	}
	done();
	snprintf(turn.work, sizeof turn.work, "%s", work);
	snprintf(turn.size, sizeof turn.size, "%s", by_size ? parameter : "64");
	snprintf(turn.count, sizeof turn.count, "%s", by_number ? parameter : "1");
	turn.message = message_of(strtoul(turn.size, NULL, 10));
	if (spawn) {
		return NULL;
	}
	int count = atoi(turn.count);
	if (count > MAX_SOCKETS) {
		return "too many sockets";
	}
	if (count == 0) {
		return NULL;
	}
	turn.file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	turn.child = start_child(&turn.sockets[0]);
	turn.socket_count = 1;
	open_sockets(count);
	memset(turn.message.bytes, 7, turn.message.size);
	if (strcmp(work, "poller") == 0) {
		watch_all();
		poll_all();
	} else if (strncmp(work, "oneway", 6) == 0) {
		finish_one_way();
	} else if (strcmp(work, "sum") == 0) {
		if (!sum()) {
			return "the child has another sum";
		}
	} else if (!round_trip(turn.sockets[0]) || turn.message.bytes[turn.message.size - 1] != 7) {
		return "the child answered something else";
	}
	return NULL;
}

int main(int, char **argv)
{
	char here[4096];
	snprintf(here, sizeof here, "%s", argv[0]);
	snprintf(child_path, sizeof child_path, "%.4000s/child", dirname(here));
	read_spin_time();
	char line[LINE];
	while (fgets(line, sizeof line, stdin) != NULL) {
		char verb[LINE] = "";
		char first[LINE] = "";
		char second[LINE] = "0";
		sscanf(line, "%255s %255s %255s", verb, first, second);
		if (strcmp(verb, "prepare") == 0) {
			const char *reason = prepare(first, second);
			printf(reason == NULL ? "ready\n" : "cannot %s\n", reason);
		} else if (strcmp(verb, "run") == 0) {
			run(strtoull(first, NULL, 10) * 1000000);
		} else if (strcmp(verb, "done") == 0) {
			done();
			printf("ok\n");
		} else {
			break;
		}
		fflush(stdout);
	}
	done();
	return 0;
}
