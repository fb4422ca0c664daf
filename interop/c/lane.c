#define _GNU_SOURCE
#include "lane.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x4d637069796e6974)

enum {
	VERSION = 1,
	HEADER_SIZE = 4096,
	SMALLEST_RING = 4096,
	LARGEST_RING = 64 * 1024 * 1024,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
	MOST_UNREAD = 256,
};

/* What an end sleeps for. */
enum { DATA = 1, ROOM = 2 };

/* The byte of a packet on the socket. */
enum { BELL = 0, DESCRIPTORS = 1 };

/* What the opener says of the memory, once. */
struct layout {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint64_t ring_sizes[2];
};

struct header {
	struct layout layout;
	_Alignas(256) struct {
		_Alignas(128) _Atomic uint64_t tail;
		_Alignas(128) _Atomic uint64_t head;
	} rings[2];
	struct {
		_Alignas(128) _Atomic uint32_t reasons;
	} sleeping[2];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "a lock would be our own, and not the peer's");
_Static_assert(offsetof(struct header, rings[0].tail) == 256, "the tail of ring 0");
_Static_assert(offsetof(struct header, rings[1].head) == 640, "the head of ring 1");
_Static_assert(offsetof(struct header, sleeping[1]) == 896, "what the acceptor sleeps for");

/* One direction. The writer looks for room as the reader looks for bytes, so that both need the same. */
struct ring {
	uint8_t *bytes;
	uint64_t size;
	_Atomic uint64_t *published;   /* our position, for the peer */
	_Atomic uint64_t *peers;       /* its position */
	uint64_t own;                  /* up to where we have written or read */
	uint64_t seen;                 /* up to where the peer was when we last looked */
	uint64_t lead;                 /* how far we may be ahead of it: the size for a writer, 0 for a reader */
	uint32_t reason;               /* what we wait for here; the peer waits for the other one */
};

/* The descriptors of a frame that has not been read yet. */
struct arrival {
	struct arrival *next;
	size_t count;
	int descriptors[LANE_MOST_DESCRIPTORS];
};

struct lane {
	struct header *header;
	int socket;
	struct ring in, out;
	uint64_t spin_nanos;
	bool ended;
	/* Of several frames, if the parent does not wait for replies. */
	struct arrival *arrivals, **last_arrival;
	size_t arrival_count;
	/* Behind the first byte of the last frames with descriptors that we have sent; 0 if there were fewer. */
	uint64_t with_descriptors[MOST_UNREAD];
	size_t oldest;
};

/* Reads what the memory is, and returns what is wrong with it, or NULL. Nothing may be mapped before. */
static const char *check(int memory, struct layout *layout, size_t *length) {
	int seals = fcntl(memory, F_GET_SEALS);
	struct stat file;
	if (seals < 0 || (seals & SEALS) != SEALS)
		return "the memory is not sealed against shrinking, growing and further seals";
	if (fstat(memory, &file) != 0 || pread(memory, layout, sizeof *layout, 0) != sizeof *layout)
		return "the memory has no header";
	if (layout->magic != MAGIC || layout->version != VERSION || layout->header_size != HEADER_SIZE)
		return "the memory has no header of this version";
	for (int i = 0; i < 2; i++) {
		uint64_t size = layout->ring_sizes[i];
		if (size < SMALLEST_RING || size > LARGEST_RING || (size & (size - 1)) != 0)
			return "a ring is not a power of two from 4 KiB to 64 MiB";
	}
	*length = file.st_size;
	return *length == HEADER_SIZE + layout->ring_sizes[0] + layout->ring_sizes[1]
			? NULL : "the size of the memory is not that of its header and rings";
}

struct lane *lane_accept(int socket, int memory, const char **why) {
	struct layout layout;
	size_t length;
	if ((*why = check(memory, &layout, &length)) != NULL)
		return NULL;
	struct lane *lane = malloc(sizeof *lane);
	struct header *header = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (lane == NULL || header == MAP_FAILED) {
		*why = "the memory cannot be mapped";
		if (header != MAP_FAILED)
			munmap(header, length);
		free(lane);
		return NULL;
	}
	const char *spin = getenv("TINY_IPC_SPIN_MICROS");
	uint8_t *bytes = (uint8_t *) header + HEADER_SIZE;
	uint64_t in_size = layout.ring_sizes[0], out_size = layout.ring_sizes[1];
	*lane = (struct lane) {
		.header = header,
		.socket = socket,
		.in = {bytes, in_size, &header->rings[0].head, &header->rings[0].tail, .reason = DATA},
		.out = {bytes + in_size, out_size, &header->rings[1].tail, &header->rings[1].head, .lead = out_size, .reason = ROOM},
		.spin_nanos = spin != NULL ? strtoul(spin, NULL, 10) * 1000 : 0,
	};
	lane->last_arrival = &lane->arrivals;
	return lane;
}

static void keep_descriptors(struct lane *lane, const struct cmsghdr *control) {
	struct arrival *arrival = malloc(sizeof *arrival);
	/* One more, because a part of the frame that is being read may be published already. */
	if (arrival == NULL || lane->arrival_count > MOST_UNREAD)
		errx(1, "no room for the descriptors of another message");
	arrival->next = NULL;
	arrival->count = (control->cmsg_len - CMSG_LEN(0)) / sizeof *arrival->descriptors;
	memcpy(arrival->descriptors, CMSG_DATA(control), arrival->count * sizeof *arrival->descriptors);
	*lane->last_arrival = arrival;
	lane->last_arrival = &arrival->next;
	lane->arrival_count++;
}

/* Takes one packet from the socket, if one is there. */
static bool take_packet(struct lane *lane) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof lane->arrivals->descriptors)];
	uint8_t byte = 0;
	struct iovec data = {&byte, sizeof byte};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(lane->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (length < 0 && errno == EAGAIN)
		return false;
	if (length < 0 && (errno == EINTR || errno == ECONNRESET))
		return true;
	if (length < 0)
		err(1, "recvmsg");
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	bool has_descriptors = c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS;
	if (length == 0 && !has_descriptors) {
		lane->ended = true;
		return false;
	}
	if (length != 1 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || byte != (has_descriptors ? DESCRIPTORS : BELL))
		errx(1, "a packet is neither a bell nor the descriptors of a message");
	if (has_descriptors)
		keep_descriptors(lane, c);
	return true;
}

/* Whether the peer has come to a position. We look only if it had not when we last did. */
static bool has_reached(struct ring *ring, uint64_t position) {
	if ((int64_t) (ring->seen - position) < 0) {
		uint64_t now = atomic_load_explicit(ring->peers, memory_order_acquire);
		/* It never goes back. A reader follows the writer, who is at most one ring ahead. */
		uint64_t most = ring->own + ring->size - ring->lead;
		if (now - ring->seen > most - ring->seen)
			errx(1, "the peer's position in the memory is not possible");
		ring->seen = now;
	}
	return (int64_t) (ring->seen - position) >= 0;
}

/* Where the peer must have come to before a byte can be read, or written. */
static uint64_t next_byte(const struct ring *ring) {
	return ring->own + 1 - ring->lead;
}

/* How many bytes can be read, or written. */
static uint64_t available(struct ring *ring) {
	has_reached(ring, next_byte(ring));
	return ring->seen + ring->lead - ring->own;
}

static uint64_t nanos(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Stays awake for a while, as the parent does. Returns whether that was worth it. */
static bool spin(struct lane *lane, struct ring *ring, uint64_t position) {
	for (uint64_t end = nanos() + lane->spin_nanos; nanos() < end; pause_processor())
		if (has_reached(ring, position))
			return true;
	return false;
}

/* Waits until the peer has come to a position, or has closed. */
static void await(struct lane *lane, struct ring *ring, uint64_t position) {
	if (has_reached(ring, position) || spin(lane, ring, position))
		return;
	_Atomic uint32_t *own = &lane->header->sleeping[1].reasons;
	struct pollfd readable = {.fd = lane->socket, .events = POLLIN};
	while (!lane->ended) {
		atomic_fetch_or_explicit(own, ring->reason, memory_order_relaxed);
		/* Either we see what the peer publishes now, or the peer sees that we sleep. */
		atomic_thread_fence(memory_order_seq_cst);
		if (has_reached(ring, position))
			break;
		if (poll(&readable, 1, -1) > 0)
			while (take_packet(lane))
				;
	}
	atomic_fetch_and_explicit(own, ~ring->reason, memory_order_relaxed);
}

/* Shows the peer how far we are, and wakes it if it sleeps for that. */
static void publish(struct lane *lane, struct ring *ring) {
	_Atomic uint32_t *peers = &lane->header->sleeping[0].reasons;
	uint32_t reason = ring->reason == DATA ? ROOM : DATA;
	atomic_store_explicit(ring->published, ring->own, memory_order_release);
	/* Either the peer sees this when it looks for the last time, or we see that it sleeps. */
	atomic_thread_fence(memory_order_seq_cst);
	if ((atomic_load_explicit(peers, memory_order_relaxed) & reason) != 0 &&
			(atomic_fetch_and_explicit(peers, ~reason, memory_order_relaxed) & reason) != 0)
		/* A full socket wakes it, too. If the peer is gone, the next wait tells. */
		send(lane->socket, &(uint8_t) {BELL}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * Waits until something can be copied, and returns how much, and where: no more than is wanted, not beyond the end of the
 * ring, and at most a quarter of it, so that the peer works on another part meanwhile. 0 if there will be nothing.
 */
static size_t next_part(struct lane *lane, struct ring *ring, size_t wanted, uint8_t **at) {
	if (available(ring) == 0) {
		publish(lane, ring);
		await(lane, ring, next_byte(ring));
	}
	/* What was published before the end is still there. */
	size_t start = ring->own & (ring->size - 1), part = available(ring);
	*at = ring->bytes + start;
	part = part < ring->size - start ? part : ring->size - start;
	part = part < ring->size / 4 ? part : ring->size / 4;
	return part < wanted ? part : wanted;
}

static void move_on(struct lane *lane, struct ring *ring, size_t part, bool publishes) {
	/* The peer may change what was copied, so the compiler must not read it again. */
	atomic_signal_fence(memory_order_seq_cst);
	ring->own += part;
	if (publishes)
		publish(lane, ring);
}

static void read_bytes(struct lane *lane, void *target, size_t length) {
	for (uint8_t *to = target, *from; length > 0;) {
		size_t part = next_part(lane, &lane->in, length, &from);
		if (part == 0)
			errx(1, "the end in the middle of a message");
		memcpy(to, from, part);
		to += part;
		length -= part;
		move_on(lane, &lane->in, part, length > 0);
	}
}

static void write_bytes(struct lane *lane, const void *source, size_t length) {
	uint8_t *to;
	for (const uint8_t *from = source; length > 0;) {
		size_t part = next_part(lane, &lane->out, length, &to);
		if (part == 0)
			errx(1, "nobody reads the reply");
		memcpy(to, from, part);
		from += part;
		length -= part;
		move_on(lane, &lane->out, part, length > 0);
	}
}

/* They were sent before their message, so they are there now, or never will be. */
static void take_descriptors(struct lane *lane, uint64_t count, int *descriptors) {
	while (lane->arrivals == NULL && take_packet(lane))
		;
	struct arrival *arrival = lane->arrivals;
	if (arrival == NULL || arrival->count != count)
		errx(1, "the descriptors of a message are not there");
	memcpy(descriptors, arrival->descriptors, count * sizeof *descriptors);
	lane->arrivals = arrival->next;
	if (lane->arrivals == NULL)
		lane->last_arrival = &lane->arrivals;
	lane->arrival_count--;
	free(arrival);
}

size_t lane_receive(struct lane *lane, void *frame, size_t room, int *descriptors, size_t *descriptor_count) {
	struct { uint64_t descriptors, length; } start;
	await(lane, &lane->in, next_byte(&lane->in));
	if (available(&lane->in) == 0)
		return 0;
	read_bytes(lane, &start, sizeof start);
	if (start.descriptors > LANE_MOST_DESCRIPTORS || start.length == 0 || start.length > room - sizeof start.length)
		errx(1, "a message of %llu bytes with %llu descriptors", (unsigned long long) start.length,
				(unsigned long long) start.descriptors);
	if (start.descriptors > 0)
		take_descriptors(lane, start.descriptors, descriptors);
	*descriptor_count = start.descriptors;
	memcpy(frame, &start.length, sizeof start.length);
	read_bytes(lane, (uint8_t *) frame + sizeof start.length, start.length);
	publish(lane, &lane->in);
	return sizeof start.length + start.length;
}

/* Sends the descriptor of the next frame, once the peer has begun with the oldest of those that may be unread. */
static void send_descriptor(struct lane *lane, int descriptor) {
	uint64_t *oldest = &lane->with_descriptors[lane->oldest];
	await(lane, &lane->out, *oldest);
	if (!has_reached(&lane->out, *oldest))
		errx(1, "nobody reads the replies");
	*oldest = lane->out.own + 1;
	lane->oldest = (lane->oldest + 1) % MOST_UNREAD;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {0};
	struct iovec data = {&(uint8_t) {DESCRIPTORS}, 1};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	*c = (struct cmsghdr) {CMSG_LEN(sizeof descriptor), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
	if (sendmsg(lane->socket, &header, MSG_NOSIGNAL) < 0)
		err(1, "sendmsg");
}

void lane_send(struct lane *lane, const void *frame, size_t length, int descriptor) {
	uint64_t descriptors = descriptor >= 0 ? 1 : 0;
	if (descriptors > 0)
		/* Before the frame that announces it. */
		send_descriptor(lane, descriptor);
	write_bytes(lane, &descriptors, sizeof descriptors);
	write_bytes(lane, frame, length);
	publish(lane, &lane->out);
}
