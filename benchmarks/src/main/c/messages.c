#define _GNU_SOURCE
#include "messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

// SO_SNDBUF, unless somebody changed it, less what the kernel needs for itself.
enum { LARGEST_PACKET = 212992 - 32 };

static uint64_t spin_time;

void fail(const char *call)
{
	perror(call);
	exit(1);
}

struct message message_of(size_t size)
{
	char *memory = calloc(1, HEADER_SIZE + size);
	if (memory == NULL) {
		fail("calloc");
	}
	return (struct message) { .size = size, .bytes = memory + HEADER_SIZE };
}

uint64_t nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void read_spin_time(void)
{
	const char *microseconds = getenv("TINY_IPC_SPIN_MICROS");
	spin_time = microseconds == NULL ? 0 : strtoul(microseconds, NULL, 10) * 1000;
}

static void send_packet(int socket, const char *bytes, size_t size)
{
	ssize_t sent;
	do {
		sent = send(socket, bytes, size, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		fail("send");
	}
}

static size_t receive_packet(int socket, char *bytes, size_t room)
{
	ssize_t size = -1;
	if (spin_time > 0) {
		uint64_t end = nanoseconds() + spin_time;
		do {
			size = recv(socket, bytes, room, MSG_DONTWAIT);
		} while (size < 0 && errno == EAGAIN && nanoseconds() < end);
	}
	while (size < 0 && (size = recv(socket, bytes, room, 0)) < 0 && errno == EINTR) {
	}
	if (size < 0 && errno != ECONNRESET) {
		fail("recv");
	}
	return size < 0 ? 0 : size;
}

static void send_packets(int socket, const char *frame, size_t length)
{
	for (size_t sent = 0; sent < length; sent += PACKET_SIZE) {
		size_t left = length - sent;
		send_packet(socket, frame + sent, left < PACKET_SIZE ? left : PACKET_SIZE);
	}
}

static char *announce(const struct message *message)
{
	char *frame = message->bytes - HEADER_SIZE;
	uint64_t announced = message->size;
	memcpy(frame, &announced, HEADER_SIZE);
	return frame;
}

void send_message(int socket, const struct message *message)
{
	if (message->size <= PACKET_SIZE) {
		send_packet(socket, message->bytes, message->size);
		return;
	}
	send_packets(socket, announce(message), HEADER_SIZE + message->size);
}

void send_frame(int socket, const struct message *message)
{
	size_t length = HEADER_SIZE + message->size;
	if (length <= LARGEST_PACKET) {
		send_packet(socket, announce(message), length);
	} else {
		send_packets(socket, announce(message), length);
	}
}

bool receive_frame(int socket, struct message *message, size_t room)
{
	char *frame = message->bytes - HEADER_SIZE;
	size_t there = receive_packet(socket, frame, HEADER_SIZE + room);
	if (there <= HEADER_SIZE) {
		return false;
	}
	uint64_t announced;
	memcpy(&announced, frame, HEADER_SIZE);
	if (announced > room || HEADER_SIZE + announced < there) {
		fprintf(stderr, "a message of %lu bytes was announced\n", announced);
		exit(1);
	}
	while (there < HEADER_SIZE + announced) {
		size_t size = receive_packet(socket, frame + there, HEADER_SIZE + announced - there);
		if (size == 0) {
			return false;
		}
		there += size;
	}
	message->size = announced;
	return true;
}

bool receive_message(int socket, struct message *message)
{
	bool framed = message->size > PACKET_SIZE;
	char *place = framed ? message->bytes - HEADER_SIZE : message->bytes;
	size_t length = framed ? HEADER_SIZE + message->size : message->size;
	size_t there = 0;
	do {
		size_t size = receive_packet(socket, place + there, length - there);
		if (size == 0) {
			return false;
		}
		there += size;
	} while (framed && there < length);
	if (there != length) {
		fprintf(stderr, "%zu bytes came instead of %zu\n", there, length);
		exit(1);
	}
	return true;
}

// Room for one descriptor.
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

void send_descriptor(int socket, const struct message *message, int descriptor)
{
	union control control = { 0 };
	struct iovec vector = { .iov_base = message->bytes, .iov_len = message->size };
	struct msghdr header = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof descriptor);
	memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
	if (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
		fail("sendmsg");
	}
}

bool receive_descriptor(int socket, struct message *message, int *descriptor)
{
	union control control;
	struct iovec vector = { .iov_base = message->bytes, .iov_len = message->size };
	struct msghdr header = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
	};
	ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	if (size < 0 && errno != ECONNRESET) {
		fail("recvmsg");
	}
	struct cmsghdr *rights = size > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	*descriptor = -1;
	if (rights != NULL && rights->cmsg_type == SCM_RIGHTS) {
		memcpy(descriptor, CMSG_DATA(rights), sizeof *descriptor);
	}
	return size > 0;
}

int send_batch(int socket, const struct message *message, int count)
{
	struct iovec vector = { .iov_base = message->bytes, .iov_len = message->size };
	struct mmsghdr headers[BATCH_SIZE];
	memset(headers, 0, sizeof headers[0] * count);
	for (int i = 0; i < count; i++) {
		headers[i].msg_hdr.msg_iov = &vector;
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(socket, headers, count, MSG_NOSIGNAL);
	if (sent < 0) {
		fail("sendmmsg");
	}
	return sent;
}
