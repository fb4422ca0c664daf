/* The sibling, which listens at all that a child could reach. */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int bound(int domain, int type, const void *address, socklen_t length) {
	int fd = socket(domain, type, 0);
	if (fd < 0 || bind(fd, address, length) < 0)
		err(1, "bind");
	if (type == SOCK_STREAM && listen(fd, 100) < 0)
		err(1, "listen");
	return fd;
}

static void at_path(int type, const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	bound(AF_UNIX, type, &address, sizeof address);
}

static void at_abstract_name(int type, const char *suffix) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, ABSTRACT_NAME "%s", getpid(), suffix);
	bound(AF_UNIX, type, &address, offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int at_port(int type) {
	struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
	socklen_t length = sizeof address;
	getsockname(bound(AF_INET, type, &address, length), (struct sockaddr *) &address, &length);
	return ntohs(address.sin_port);
}

static void tell(int signal) {
	(void) signal;
	send(3, "s", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Prints the ports once it listens. */
int serve(const char *folder) {
	signal(SIGUSR1, tell);
	at_path(SOCK_STREAM, in(folder, "stream"));
	at_path(SOCK_DGRAM, in(folder, "datagram"));
	at_abstract_name(SOCK_STREAM, "");
	at_abstract_name(SOCK_DGRAM, "d");
	printf("%d %d\n", at_port(SOCK_STREAM), at_port(SOCK_DGRAM));
	fflush(stdout);
	for (;;)
		pause();
}
