// Whole messages on a SEQPACKET socket, in plain C: what everything else is measured against.
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	// No packet is larger; what does not fit is a frame: its length, and several packets.
	PACKET_SIZE = 64 * 1024,
	HEADER_SIZE = sizeof(uint64_t),
	BATCH_SIZE = 64,
	MAX_SOCKETS = 1024,
};

// Of a message, the place in front of which has room for the header.
struct message {
	size_t size;
	char *bytes;
};

// How long to ask again and again before waiting in the kernel, as the environment says. To be called first of all.
void read_spin_time(void);

uint64_t nanoseconds(void);

struct message message_of(size_t size);

void send_message(int socket, const struct message *message);

// Returns false at the end of the stream. Any other size than the message's ends the program.
bool receive_message(int socket, struct message *message);

// A frame of the size that its header announces, of at most the message's size, which becomes it.
bool receive_frame(int socket, struct message *message, size_t room);

// Sends it as one packet if it fits one, as tiny-ipc does.
void send_frame(int socket, const struct message *message);

void send_descriptor(int socket, const struct message *message, int descriptor);

// As receive_message, for one packet; *descriptor is -1 if none came.
bool receive_descriptor(int socket, struct message *message, int *descriptor);

// Sends the same packet up to BATCH_SIZE times, as often as there is room.
int send_batch(int socket, const struct message *message, int count);

_Noreturn void fail(const char *call);

#endif
