// The child of the contender "memory-c":
//
//     child-memory bytes|count
//
// It says hello on descriptor 3, is offered memory there, and then echoes or counts the frames that come through it.
#include "../../../../interop/c/lane.h"
#include "messages.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOCKET = 3, ROOM = 64 * 1024 * 1024 };

static const char HELLO[] = "\xda\x49\x50\x53\x4a\xa1\x66memory\xf5";

static const char NOTHING[] = "\xf6";

static void send_body(const char *body, size_t size)
{
	struct message message = message_of(size);
	memcpy(message.bytes, body, size);
	send_frame(SOCKET, &message);
	free(message.bytes - HEADER_SIZE);
}

static struct lane *accept_memory(void)
{
	struct message offer = message_of(sizeof NOTHING - 1 + HEADER_SIZE);
	int memory;
	const char *why;
	if (!receive_descriptor(SOCKET, &offer, &memory)) {
		exit(0);
	}
	struct lane *lane = lane_accept(SOCKET, memory, &why);
	if (lane == NULL) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	close(memory);
	free(offer.bytes - HEADER_SIZE);
	send_body(NOTHING, sizeof NOTHING - 1);
	return lane;
}

// Of the content of a CBOR byte string, see child.c.
static char first_byte(const char *body)
{
	int form = body[0] & 31;
	return body[1 + (form < 24 ? 0 : 1 << (form - 24))];
}

static void acknowledge(struct lane *lane, uint64_t count)
{
	char answer[HEADER_SIZE + 1 + sizeof count];
	uint64_t size = 1 + sizeof count;
	uint64_t big_endian = htobe64(count);
	memcpy(answer, &size, HEADER_SIZE);
	answer[HEADER_SIZE] = 0x1b; // an integer of 8 bytes
	memcpy(answer + HEADER_SIZE + 1, &big_endian, sizeof big_endian);
	lane_send(lane, answer, sizeof answer, -1);
}

int main(int argc, char **argv)
{
	bool counts = argc > 1 && strcmp(argv[1], "count") == 0;
	send_body(HELLO, sizeof HELLO - 1);
	struct lane *lane = accept_memory();
	char *frame = message_of(ROOM).bytes;
	int descriptors[LANE_MOST_DESCRIPTORS];
	size_t descriptor_count;
	size_t length;
	uint64_t received = 0;
	while ((length = lane_receive(lane, frame, ROOM, descriptors, &descriptor_count)) > 0) {
		received++;
		if (!counts) {
			lane_send(lane, frame, length, -1);
		} else if (first_byte(frame + HEADER_SIZE) == 1) {
			acknowledge(lane, received);
			received = 0;
		}
	}
	return 0;
}
