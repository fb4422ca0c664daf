/*
 * A child of tiny-ipc in C.
 *
 * Build:  apt-get install libcbor-dev && make
 * Run:    a parent starts it (`./child`) and names the socket in TINY_IPC_FD.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "lane.h"
#include "references.h"

#include <cbor.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEADER = sizeof(uint64_t),
	PACKET = 64 * 1024,
	LARGEST_PACKET = 512 * 1024,
	LARGEST_BODY = 16 * 1024 * 1024,
	MOST_IN_BLOCKS = 64 * 1024 * 1024,
	MOST_DESCRIPTORS = 253,
	ERROR_ITEM = 1230000965,
	ENVELOPE = 1230000966,
	ELEMENT = 1230000967,
	END = 1230000968,
	HELLO = 1230000970,
};

static const char *const METHODS[] = {"", "echo", "sum", "length", "memory", "fail", "stream", "total"};

/* What messages go through once the parent has shared memory; NULL if they are packets. */
static struct lane *lane;

/* The message that is being answered. Its memory is only touched as far as messages really reach. */
static struct {
	uint8_t frame[HEADER + LARGEST_BODY];
	size_t length;
	int descriptors[MOST_DESCRIPTORS];
	size_t descriptor_count;
	/* How many of them are not for shared blocks. */
	size_t file_count;
	/* Whether it came in an envelope with a number, which every answer then repeats. */
	bool numbered;
	uint64_t id;
} message;

/* Receives one packet at the end of the frame, and returns its length. */
static size_t receive_packet(int peer, size_t largest) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof message.descriptors)];
	struct iovec data = {message.frame + message.length, largest < LARGEST_PACKET ? largest : LARGEST_PACKET};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(peer, &header, MSG_CMSG_CLOEXEC);
	if (length < 0)
		err(1, "recvmsg");
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		errx(1, "a packet with more data or descriptors than the message may have");
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (message.length > 0 || count > MOST_DESCRIPTORS - message.descriptor_count)
			errx(1, "descriptors in the middle of a message");
		memcpy(message.descriptors + message.descriptor_count, CMSG_DATA(c), count * sizeof(int));
		message.descriptor_count += count;
	}
	message.length += length;
	return length;
}

/* Receives one message; false says that the peer has closed. */
static bool receive(int peer) {
	message.length = message.descriptor_count = 0;
	message.numbered = false;
	if (lane != NULL) {
		message.length = lane_receive(lane, message.frame, sizeof message.frame, message.descriptors, &message.descriptor_count);
		return message.length > 0;
	}
	if (receive_packet(peer, LARGEST_PACKET) == 0 && message.descriptor_count == 0)
		return false;
	uint64_t body;
	memcpy(&body, message.frame, HEADER);
	if (message.length <= HEADER || body == 0 || body > LARGEST_BODY || message.length - HEADER > body)
		errx(1, "a message begins with a packet of %zu bytes that announces a body of %llu", message.length,
				message.length < HEADER ? 0 : (unsigned long long) body);
	while (message.length < HEADER + body)
		if (receive_packet(peer, HEADER + body - message.length) == 0)
			errx(1, "the end in the middle of a message");
	return true;
}

static void send_packet(int peer, const void *bytes, size_t length, int descriptor) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {0};
	struct iovec data = {(void *) bytes, length};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	if (descriptor >= 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		*c = (struct cmsghdr) {CMSG_LEN(sizeof descriptor), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
	}
	if (sendmsg(peer, &header, MSG_NOSIGNAL) < 0)
		err(1, "sendmsg");
}

static void send_packets(int peer, const unsigned char *frame, size_t length, int descriptor) {
	for (size_t start = 0; start < length; start += PACKET, descriptor = -1) {
		size_t rest = length - start;
		send_packet(peer, frame + start, rest < PACKET ? rest : PACKET, descriptor);
	}
}

static void add(cbor_item_t *map, const char *key, cbor_item_t *value) {
	if (!cbor_map_add(map, (struct cbor_pair) {cbor_move(cbor_build_string(key)), cbor_move(value)}))
		errx(1, "no memory for a message");
}

/* Sends and frees the item, with a descriptor if it is not -1; in an envelope if the request came in one. */
static void reply(int peer, cbor_item_t *item, int descriptor) {
	if (message.numbered) {
		cbor_item_t *envelope = cbor_new_definite_map(2);
		add(envelope, "id", cbor_build_uint64(message.id));
		add(envelope, "payload", item);
		item = cbor_build_tag(ENVELOPE, cbor_move(envelope));
	}
	unsigned char *body, *frame;
	size_t capacity;
	uint64_t length = cbor_serialize_alloc(item, &body, &capacity);
	if (length == 0 || (frame = malloc(HEADER + length)) == NULL)
		errx(1, "no memory for the reply");
	memcpy(frame, &length, HEADER);
	memcpy(frame + HEADER, body, length);
	if (lane != NULL)
		lane_send(lane, frame, HEADER + length, descriptor);
	else
		send_packets(peer, frame, HEADER + length, descriptor);
	free(frame);
	free(body);
	cbor_decref(&item);
}

static void reply_error(int peer, const char *type, const char *text, size_t length) {
	cbor_item_t *map = cbor_new_definite_map(2);
	add(map, "type", cbor_build_string(type));
	add(map, "message", cbor_build_stringn(text, length));
	reply(peer, cbor_build_tag(ERROR_ITEM, cbor_move(map)), -1);
}

/* Returns a text's bytes, to be freed, with a NUL behind them; NULL if the item is no text. */
static char *text_of(const cbor_item_t *item, size_t *length) {
	if (item == NULL || !cbor_isa_string(item))
		return NULL;
	bool whole = cbor_string_is_definite(item);
	size_t count = whole ? 1 : cbor_string_chunk_count(item);
	*length = 0;
	char *text = calloc(1, message.length);
	for (size_t i = 0; text != NULL && i < count; i++) {
		const cbor_item_t *chunk = whole ? item : cbor_string_chunks_handle(item)[i];
		memcpy(text + *length, cbor_string_handle(chunk), cbor_string_length(chunk));
		*length += cbor_string_length(chunk);
	}
	return text;
}

static bool is_text(const cbor_item_t *item, const char *expected) {
	size_t length;
	char *text = text_of(item, &length);
	bool same = text != NULL && length == strlen(expected) && memcmp(text, expected, length) == 0;
	free(text);
	return same;
}

/* Returns a borrowed value of the request, or NULL. */
static cbor_item_t *value_of(const cbor_item_t *request, const char *key) {
	if (cbor_isa_map(request))
		for (size_t i = 0; i < cbor_map_size(request); i++)
			if (is_text(cbor_map_handle(request)[i].key, key))
				return cbor_map_handle(request)[i].value;
	return NULL;
}

static cbor_item_t *integer(__int128 value) {
	uint64_t magnitude = value < 0 ? -1 - value : value;
	cbor_item_t *item = cbor_build_uint64(magnitude);
	if (value < 0)
		cbor_mark_negint(item);
	return item;
}

/* Returns the sum as an item, or NULL if these are not integers or the sum is none of CBOR's. */
static cbor_item_t *sum_of(const cbor_item_t *numbers) {
	if (numbers == NULL || !cbor_isa_array(numbers))
		return NULL;
	__int128 sum = 0;
	for (size_t i = 0; i < cbor_array_size(numbers); i++) {
		const cbor_item_t *number = cbor_array_handle(numbers)[i];
		if (!cbor_is_int(number))
			return NULL;
		sum += cbor_isa_uint(number) ? (__int128) cbor_get_int(number) : -1 - (__int128) cbor_get_int(number);
	}
	return sum > UINT64_MAX || sum < -1 - (__int128) UINT64_MAX ? NULL : integer(sum);
}

static bool is_whole_bytes(const cbor_item_t *item) {
	return cbor_isa_bytestring(item) && cbor_bytestring_is_definite(item);
}

/* Adds up all bytes, in place if they are in a block. */
static uint64_t total_of(const cbor_item_t *bytes) {
	uint64_t total = 0;
	const unsigned char *at = cbor_bytestring_handle(bytes);
	for (size_t i = 0; i < cbor_bytestring_length(bytes); i++)
		total += at[i];
	return total;
}

static bool answer_memory(int peer, const cbor_item_t *item) {
	size_t length;
	char *text = text_of(item, &length);
	if (text == NULL)
		return false;
	int memory = memfd_create("text", MFD_CLOEXEC);
	if (memory < 0 || pwrite(memory, text, length, 0) != (ssize_t) length)
		err(1, "memfd");
	reply(peer, integer(length), memory);
	close(memory);
	free(text);
	return true;
}

static bool answer_stream(int peer, const cbor_item_t *request) {
	const cbor_item_t *count = value_of(request, "count"), *fail_at = value_of(request, "failAt");
	if (count == NULL || !cbor_isa_uint(count))
		return false;
	for (uint64_t i = 0; i < cbor_get_int(count); i++) {
		if (fail_at != NULL && cbor_isa_uint(fail_at) && cbor_get_int(fail_at) == i) {
			reply_error(peer, "Failure", "no such element", strlen("no such element"));
			return true;
		}
		reply(peer, cbor_build_tag(ELEMENT, cbor_move(integer(i))), -1);
	}
	reply(peer, cbor_build_tag(END, cbor_move(cbor_new_null())), -1);
	return true;
}

/* Answers what is asked: the method of an envelope, or what the request itself says. */
static bool answer(int peer, const cbor_item_t *what, const cbor_item_t *request) {
	cbor_item_t *item;
	struct stat file;
	size_t length;
	char *text;
	if (is_text(what, "echo") && (item = value_of(request, "payload")) != NULL)
		reply(peer, cbor_incref(item), -1);
	else if (is_text(what, "sum") && (item = sum_of(value_of(request, "numbers"))) != NULL)
		reply(peer, item, -1);
	else if (is_text(what, "total") && (item = value_of(request, "bytes")) != NULL && is_whole_bytes(item))
		reply(peer, integer(total_of(item)), -1);
	else if (is_text(what, "length") && message.file_count == 1 && fstat(message.descriptors[0], &file) == 0)
		reply(peer, integer(file.st_size), -1);
	else if (is_text(what, "memory"))
		return answer_memory(peer, value_of(request, "text"));
	else if (is_text(what, "stream"))
		return answer_stream(peer, request);
	else if (is_text(what, "fail") && (text = text_of(value_of(request, "message"), &length)) != NULL) {
		reply_error(peer, "Failure", text, length);
		free(text);
	}
	else
		return false;
	return true;
}

static void answer_unknown(int peer, const cbor_item_t *what) {
	char *text = NULL;
	size_t length;
	char *asked = text_of(what, &length);
	if (asprintf(&text, "no request that this child knows: %s", asked ? asked : "nothing to do") < 0)
		errx(1, "no memory for the reply");
	reply_error(peer, "Unknown", text, strlen(text));
	free(text);
	free(asked);
}

static bool are_texts(const cbor_item_t *map) {
	if (!cbor_isa_map(map))
		return false;
	for (size_t i = 0; i < cbor_map_size(map); i++)
		if (!cbor_isa_string(cbor_map_handle(map)[i].key) || !cbor_isa_string(cbor_map_handle(map)[i].value))
			return false;
	return true;
}

/* Notes the number of a well-formed envelope. Of any other, not even the number can be relied on. */
static bool open_envelope(const cbor_item_t *envelope) {
	const cbor_item_t *id = value_of(envelope, "id"), *method = value_of(envelope, "method");
	const cbor_item_t *headers = value_of(envelope, "headers");
	if (value_of(envelope, "payload") == NULL || (id != NULL && !cbor_isa_uint(id)) ||
			(method != NULL && !cbor_isa_string(method)) || (headers != NULL && !are_texts(headers)))
		return false;
	message.numbered = id != NULL;
	message.id = id != NULL ? cbor_get_int(id) : 0;
	return true;
}

/* Shares memory with the parent from the next message on, or says why not. */
static void share_memory(int peer) {
	const char *why = "messages go through memory already";
	struct lane *shared = lane == NULL ? lane_accept(peer, message.descriptors[0], &why) : NULL;
	if (shared != NULL)
		reply(peer, cbor_new_null(), -1);
	else
		reply_error(peer, "Refused", why, strlen(why));
	lane = lane != NULL ? lane : shared;
}

/* cbor_is_null ends the program if the item is a floating-point number. */
static bool is_null(const cbor_item_t *item) {
	return cbor_isa_float_ctrl(item) && cbor_float_ctrl_is_ctrl(item) && cbor_is_null(item);
}

/* Answers a whole body: a request, or what a parent only sends if it knows that this child understands it. */
static void serve(int peer, const cbor_item_t *body, bool converses) {
	const cbor_item_t *request = body, *what = NULL;
	if (converses && is_null(body) && message.descriptor_count == 1) {
		share_memory(peer);
		return;
	}
	if (converses && cbor_isa_tag(body) && cbor_tag_value(body) == ENVELOPE) {
		const cbor_item_t *envelope = cbor_move(cbor_tag_item(body));
		if (!open_envelope(envelope)) {
			reply_error(peer, "Malformed", "a malformed envelope", strlen("a malformed envelope"));
			return;
		}
		request = value_of(envelope, "payload");
		what = value_of(envelope, "method");
	}
	if (what == NULL)
		what = value_of(request, "do");
	if (!answer(peer, what, request))
		answer_unknown(peer, what);
}

static void greet(int peer) {
	size_t count = sizeof METHODS / sizeof *METHODS;
	cbor_item_t *methods = cbor_new_definite_array(count), *hello = cbor_new_definite_map(blocks_limit > 0 ? 5 : 4);
	for (size_t i = 0; i < count; i++)
		if (!cbor_array_push(methods, cbor_move(cbor_build_string(METHODS[i]))))
			errx(1, "no memory for the hello");
	add(hello, "protocol", cbor_build_uint8(2));
	add(hello, "envelope", cbor_build_bool(true));
	add(hello, "methods", methods);
	add(hello, "memory", cbor_build_bool(true));
	if (blocks_limit > 0)
		add(hello, "blocks", cbor_build_uint64(blocks_limit));
	reply(peer, cbor_build_tag(HELLO, cbor_move(hello)), -1);
}

int main(void) {
	const char *number = getenv("TINY_IPC_FD");
	if (number == NULL)
		errx(1, "TINY_IPC_FD names no socket: a parent starts this program");
	int peer = atoi(number);
	/* A length inside an item is not to be believed: with this limit libcbor's malloc fails instead. */
	setrlimit(RLIMIT_AS, &(struct rlimit) {256 << 20, 256 << 20});
	const char *invitation = getenv("TINY_IPC_HELLO");
	bool invited = invitation != NULL && strcmp(invitation, "1") == 0;
	const char *blocks = getenv("TINY_IPC_BLOCKS");
	blocks_limit = invited && blocks != NULL ? strtoull(blocks, NULL, 10) : 0;
	blocks_limit = blocks_limit < MOST_IN_BLOCKS ? blocks_limit : MOST_IN_BLOCKS;
	if (invited)
		greet(peer);
	while (receive(peer)) {
		struct cbor_load_result result;
		size_t length = message.length - HEADER;
		cbor_item_t *request = cbor_load(message.frame + HEADER, length, &result);
		const char *why = request == NULL || result.read < length ? "the body is not one CBOR item" : NULL;
		message.file_count = message.descriptor_count;
		if (why == NULL && blocks_limit > 0)
			why = references_resolve(&request, message.descriptors, message.descriptor_count, &message.file_count);
		if (why != NULL)
			reply_error(peer, "Malformed", why, strlen(why));
		else
			serve(peer, request, invited);
		references_release();
		if (request != NULL)
			cbor_decref(&request);
		for (size_t i = 0; i < message.descriptor_count; i++)
			close(message.descriptors[i]);
	}
}
