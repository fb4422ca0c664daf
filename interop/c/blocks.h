/*
 * Bulk data in memory that the parent fills and uses again: docs/wire-format.md, "Shared blocks".
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdint.h>

/* How many bytes the blocks of one message may have, and how many all references to them; 0 if there may be none. */
extern uint64_t blocks_limit;

/* Data in a block, which is there until the next message begins. The parent may change it, if it is broken. */
struct slice {
	const uint8_t *bytes;
	uint64_t length;
};

/* Begins with the next message. */
void blocks_begin(void);

/*
 * Finds data in the block that a descriptor of the message is for, and maps that if it is not known yet.
 * Returns NULL, or what is wrong.
 */
const char *blocks_find(int descriptor, uint64_t offset, uint64_t length, struct slice *slice);

#endif
