#include "references.h"
#include "blocks.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	REFERENCE = 1230000972,
	MOST = 1024,
};

/* The byte strings whose bytes are in blocks. */
static cbor_item_t *borrowers[MOST];
static size_t borrower_count;

/* The descriptors of the message. */
struct message {
	const int *descriptors;
	size_t count, files;
};

static bool number(const cbor_item_t *array, size_t at, uint64_t *value) {
	const cbor_item_t *item = cbor_array_handle(array)[at];
	*value = cbor_isa_uint(item) ? cbor_get_int(item) : 0;
	return cbor_isa_uint(item);
}

static const char *resolve_one(cbor_item_t **item, struct message *message) {
	const cbor_item_t *array = cbor_move(cbor_tag_item(*item));
	uint64_t block, offset, length;
	if (!cbor_isa_array(array) || cbor_array_size(array) != 3 || !number(array, 0, &block) ||
			!number(array, 1, &offset) || !number(array, 2, &length))
		return "a reference is not an array of three unsigned numbers";
	if (block >= message->count)
		return "a reference is to a block that the message does not bring";
	struct slice slice;
	const char *why = blocks_find(message->descriptors[block], offset, length, &slice);
	if (why != NULL)
		return why;
	cbor_item_t *bytes = borrower_count < MOST ? cbor_new_definite_bytestring() : NULL;
	if (bytes == NULL)
		return "a message has too many references";
	cbor_bytestring_set_handle(bytes, (unsigned char *) slice.bytes, slice.length);
	borrowers[borrower_count++] = cbor_incref(bytes);
	message->files = block < message->files ? block : message->files;
	cbor_decref(item);
	*item = bytes;
	return NULL;
}

static const char *resolve(cbor_item_t **item, struct message *message) {
	const char *why = NULL;
	if (cbor_isa_tag(*item) && cbor_tag_value(*item) == REFERENCE)
		return resolve_one(item, message);
	if (cbor_isa_tag(*item)) {
		cbor_item_t *old = cbor_move(cbor_tag_item(*item)), *content = old;
		why = resolve(&content, message);
		if (content != old) {
			cbor_tag_set_item(*item, content);
			cbor_decref(&content);
		}
	}
	else if (cbor_isa_array(*item))
		for (size_t i = 0; why == NULL && i < cbor_array_size(*item); i++)
			why = resolve(&cbor_array_handle(*item)[i], message);
	else if (cbor_isa_map(*item))
		for (size_t i = 0; why == NULL && i < cbor_map_size(*item); i++)
			why = resolve(&cbor_map_handle(*item)[i].value, message);
	return why;
}

const char *references_resolve(cbor_item_t **item, const int *descriptors, size_t count, size_t *files) {
	struct message message = {descriptors, count, count};
	blocks_begin();
	const char *why = resolve(item, &message);
	*files = message.files;
	return why;
}

void references_release(void) {
	while (borrower_count > 0) {
		cbor_item_t *bytes = borrowers[--borrower_count];
		cbor_bytestring_set_handle(bytes, NULL, 0);
		cbor_decref(&bytes);
	}
}
