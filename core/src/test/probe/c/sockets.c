/* Whom a child can reach by sockets. */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
	return (struct sockaddr_in) {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
}

static struct sockaddr_un at_path(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

static socklen_t abstract(struct sockaddr_un *address, pid_t owner) {
	*address = (struct sockaddr_un) {.sun_family = AF_UNIX};
	return offsetof(struct sockaddr_un, sun_path) + 1
			+ snprintf(address->sun_path + 1, sizeof address->sun_path - 1, ABSTRACT_NAME, owner);
}

static int opened(int domain, int type, int protocol) {
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	return fd < 0 ? errno : tried(close(fd));
}

static int connected(int type, const void *address, socklen_t length) {
	int fd = socket(((const struct sockaddr *) address)->sa_family, type, 0);
	return fd < 0 ? errno : tried(connect(fd, address, length));
}

static int bound(int type, const void *address, socklen_t length) {
	int fd = socket(((const struct sockaddr *) address)->sa_family, type, 0);
	return fd < 0 ? errno : tried(bind(fd, address, length));
}

int tcp_socket(void) {
	return opened(AF_INET, SOCK_STREAM, 0);
}

static int tcp(void) {
	struct sockaddr_in address = loopback(target.tcp);
	return connected(SOCK_STREAM, &address, sizeof address);
}

static int tcp_without_connect(void) {
	struct sockaddr_in address = loopback(target.tcp);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd < 0 ? errno
			: tried(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *) &address, sizeof address));
}

static int tcp_listen(void) {
	struct sockaddr_in address = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) < 0 ? errno : tried(listen(fd, 1));
}

static int tcp6(void) {
	return opened(AF_INET6, SOCK_STREAM, 0);
}

static int mptcp(void) {
	return opened(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
}

static int udp(void) {
	struct sockaddr_in address = loopback(target.udp);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	return fd < 0 ? errno : tried(sendto(fd, "x", 1, 0, (struct sockaddr *) &address, sizeof address));
}

static int raw(void) {
	return opened(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int packet(void) {
	return opened(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static int netlink(void) {
	return opened(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int vsock(void) {
	return opened(AF_VSOCK, SOCK_STREAM, 0);
}

static int any_other_family(void) {
	int result = EAFNOSUPPORT;
	for (int domain = AF_UNIX + 1; domain < 64 && result != 0; domain++) {
		if (domain == AF_INET || domain == AF_INET6 || domain == AF_NETLINK || domain == AF_PACKET || domain == AF_VSOCK)
			continue;
		static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
		for (int i = 0; i < 4 && result != 0; i++) {
			int error = opened(domain, types[i], 0);
			if (error != EAFNOSUPPORT && error != ESOCKTNOSUPPORT && error != EPROTONOSUPPORT)
				result = error;
		}
	}
	return result;
}

static int unix_path(void) {
	struct sockaddr_un address = at_path(outside("stream"));
	return connected(SOCK_STREAM, &address, sizeof address);
}

static int unix_abstract(void) {
	struct sockaddr_un address;
	return connected(SOCK_STREAM, &address, abstract(&address, target.sibling));
}

static int unix_datagram(void) {
	struct sockaddr_un address = at_path(outside("datagram"));
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return fd < 0 ? errno : tried(sendto(fd, "x", 1, 0, (struct sockaddr *) &address, sizeof address));
}

/* A raw socket of this family is one for datagrams. */
static int unix_raw(void) {
	struct sockaddr_un address = at_path(outside("datagram"));
	int fd = socket(AF_UNIX, SOCK_RAW, 0);
	return fd < 0 ? errno : tried(sendto(fd, "x", 1, 0, (struct sockaddr *) &address, sizeof address));
}

static int send_elsewhere(int type, struct sockaddr_un *address, socklen_t length) {
	int pair[2];
	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		return errno;
	return tried(sendto(pair[0], "x", 1, MSG_NOSIGNAL, (struct sockaddr *) address, length));
}

static int pair_path(void) {
	struct sockaddr_un address = at_path(outside("datagram"));
	return send_elsewhere(SOCK_DGRAM, &address, sizeof address);
}

static int pair_abstract(void) {
	struct sockaddr_un address;
	socklen_t length = abstract(&address, target.sibling);
	address.sun_path[length - offsetof(struct sockaddr_un, sun_path)] = 'd';
	return send_elsewhere(SOCK_DGRAM, &address, length + 1);
}

static int pair_raw(void) {
	struct sockaddr_un address = at_path(outside("datagram"));
	return send_elsewhere(SOCK_RAW, &address, sizeof address);
}

static int pair_message(void) {
	struct sockaddr_un address = at_path(outside("datagram"));
	struct iovec data = {"x", 1};
	struct mmsghdr message = {.msg_hdr = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &data,
			.msg_iovlen = 1}};
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return errno;
	return tried(sendmmsg(pair[0], &message, 1, 0));
}

static int unix_bind_path(void) {
	struct sockaddr_un address = at_path(writable("own-socket"));
	return bound(SOCK_STREAM, &address, sizeof address);
}

static int unix_bind_abstract(void) {
	struct sockaddr_un address;
	return bound(SOCK_STREAM, &address, abstract(&address, getpid()));
}

static int unix_autobind(void) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	return bound(SOCK_STREAM, &address, sizeof address.sun_family);
}

static int socketpair_of(int type) {
	int pair[2];
	return socketpair(AF_UNIX, type, 0, pair) < 0 ? errno : tried(send(pair[0], "x", 1, MSG_NOSIGNAL));
}

static int stream_pair(void) {
	return socketpair_of(SOCK_STREAM);
}

static int packet_pair(void) {
	return socketpair_of(SOCK_SEQPACKET);
}

const struct way SOCKET_WAYS[] = {
	{"tcp", tcp},
	{"tcp-fast-open", tcp_without_connect},
	{"tcp-listen", tcp_listen},
	{"tcp-ipv6", tcp6},
	{"mptcp", mptcp},
	{"udp", udp},
	{"raw", raw},
	{"packet", packet},
	{"netlink", netlink},
	{"vsock", vsock},
	{"any-other-family", any_other_family},
	{"unix-path", unix_path},
	{"unix-abstract", unix_abstract},
	{"unix-datagram", unix_datagram},
	{"unix-raw", unix_raw},
	{"unix-bind-path", unix_bind_path},
	{"unix-bind-abstract", unix_bind_abstract},
	{"unix-autobind", unix_autobind},
	{"socketpair-sendto-path", pair_path},
	{"socketpair-sendto-abstract", pair_abstract},
	{"socketpair-raw-sendto", pair_raw},
	{"socketpair-sendmmsg", pair_message},
	{"socketpair-stream", stream_pair},
	{"socketpair-seqpacket", packet_pair},
	{0},
};
