/*
 * References to shared blocks in a message: docs/wire-format.md, "Shared blocks".
 */
#ifndef REFERENCES_H
#define REFERENCES_H

#include <cbor.h>
#include <stddef.h>

/*
 * Replaces all references in an item by byte strings, whose bytes stay where they are, in the blocks.
 * Counts the descriptors that are not for blocks. Returns NULL, or what is wrong.
 */
const char *references_resolve(cbor_item_t **item, const int *descriptors, size_t count, size_t *files);

/* Takes the bytes out of the byte strings, before anything frees them. */
void references_release(void);

#endif
