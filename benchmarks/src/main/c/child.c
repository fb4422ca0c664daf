// The child of the contenders "c" and "raw":
//
//     child <work> <bytes> <sockets>
//
// For "frames" and "frames-oneway", the messages of an IpcChannel, <bytes> is the largest that may come.
// It talks on descriptor 3, over which it gets the further sockets first. It ends when that one does.
#define _GNU_SOURCE
#include "messages.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { SOCKET = 3 };

static int sockets[MAX_SOCKETS] = { SOCKET };

static void receive_sockets(int count)
{
	struct message note = message_of(1);
	for (int i = 1; i < count; i++) {
		if (!receive_descriptor(SOCKET, &note, &sockets[i]) || sockets[i] < 0) {
			fail("no socket came");
		}
	}
}

static void echo(size_t size)
{
	struct message message = message_of(size);
	while (receive_message(SOCKET, &message)) {
		send_message(SOCKET, &message);
	}
}

static void echo_without_descriptor(size_t size)
{
	struct message message = message_of(size);
	int descriptor;
	while (receive_descriptor(SOCKET, &message, &descriptor)) {
		if (descriptor >= 0) {
			close(descriptor);
		}
		send_message(SOCKET, &message);
	}
}

// The last message of a turn begins with 1, and is acknowledged by how many came.
static void acknowledge(uint64_t count)
{
	struct message answer = message_of(sizeof count);
	memcpy(answer.bytes, &count, sizeof count);
	send_message(SOCKET, &answer);
	free(answer.bytes - HEADER_SIZE);
}

static void count(size_t size)
{
	struct message message = message_of(size);
	uint64_t received = 0;
	while (receive_message(SOCKET, &message)) {
		received++;
		if (message.bytes[0] == 1) {
			acknowledge(received);
			received = 0;
		}
	}
}

static void sum(size_t size)
{
	struct message message = message_of(size);
	while (receive_message(SOCKET, &message)) {
		uint64_t sum = 0;
		for (size_t i = 0; i < message.size; i++) {
			sum += (unsigned char) message.bytes[i];
		}
		acknowledge(sum);
	}
}

static void echo_frames(size_t room)
{
	struct message message = message_of(room);
	while (receive_frame(SOCKET, &message, room)) {
		send_frame(SOCKET, &message);
	}
}

// Of a CBOR byte string: its length is in the first byte, or in 1, 2 or 4 bytes behind that.
static char first_byte(const struct message *message)
{
	int form = message->bytes[0] & 31;
	return message->bytes[1 + (form < 24 ? 0 : 1 << (form - 24))];
}

static void count_frames(size_t room)
{
	struct message message = message_of(room);
	uint64_t received = 0;
	while (receive_frame(SOCKET, &message, room)) {
		received++;
		if (first_byte(&message) == 1) {
			message.size = 1 + sizeof received;
			message.bytes[0] = 0x1b; // an integer of 8 bytes
			uint64_t big_endian = htobe64(received);
			memcpy(message.bytes + 1, &big_endian, sizeof big_endian);
			send_frame(SOCKET, &message);
			received = 0;
		}
	}
}

static void echo_all(size_t size, int count)
{
	struct message message = message_of(size);
	int poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++) {
		struct epoll_event interest = { .events = EPOLLIN, .data.fd = sockets[i] };
		epoll_ctl(poller, EPOLL_CTL_ADD, sockets[i], &interest);
	}
	struct epoll_event events[BATCH_SIZE];
	while (true) {
		int ready = epoll_wait(poller, events, BATCH_SIZE, -1);
		for (int i = 0; i < ready; i++) {
			if (!receive_message(events[i].data.fd, &message)) {
				return;
			}
			send_message(events[i].data.fd, &message);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		return 2;
	}
	const char *work = argv[1];
	size_t size = strtoul(argv[2], NULL, 10);
	int count_of_sockets = atoi(argv[3]);
	receive_sockets(count_of_sockets);
	read_spin_time();
	if (strcmp(work, "descriptor") == 0) {
		echo_without_descriptor(size);
	} else if (strcmp(work, "oneway") == 0 || strcmp(work, "oneway-batch") == 0) {
		count(size);
	} else if (strcmp(work, "frames") == 0) {
		echo_frames(size);
	} else if (strcmp(work, "frames-oneway") == 0) {
		count_frames(size);
	} else if (strcmp(work, "sum") == 0) {
		sum(size);
	} else if (strcmp(work, "poller") == 0) {
		echo_all(size, count_of_sockets);
	} else {
		echo(size);
	}
	return 0;
}
