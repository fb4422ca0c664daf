/*
 * Shared memory for the messages of a socket, at the end that is offered it: docs/wire-format.md, "Memory lanes".
 *
 * These functions end the program if the peer is broken, as must be done for the first socket. A program that serves further
 * lanes closes only the lane instead.
 */
#ifndef LANE_H
#define LANE_H

#include <stddef.h>

enum { LANE_MOST_DESCRIPTORS = 253 };

struct lane;

/*
 * Maps memory for a socket. Its descriptor is not needed any more.
 * Returns NULL, and says why, if the memory is not as it must be.
 */
struct lane *lane_accept(int socket, int memory, const char **why);

/*
 * Receives a frame with its descriptors, of which there may be LANE_MOST_DESCRIPTORS.
 * Returns its length, with its header; 0 if the peer has closed.
 */
size_t lane_receive(struct lane *lane, void *frame, size_t room, int *descriptors, size_t *descriptor_count);

/* Sends a frame, with a descriptor if it is not -1. */
void lane_send(struct lane *lane, const void *frame, size_t length, int descriptor);

#endif
