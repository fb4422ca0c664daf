#define _GNU_SOURCE
#include "blocks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum {
	MOST = 64,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
};

/* A block that is mapped, unless its size is 0. */
struct block {
	dev_t device;
	ino_t inode;
	uint8_t *bytes;
	uint64_t size;
	/* Which message has last referred to it. */
	uint64_t message;
};

uint64_t blocks_limit;

static struct block blocks[MOST];

/* How many messages there were, and how many bytes the references of this one are to. */
static uint64_t messages, referred;

void blocks_begin(void) {
	messages++;
	referred = 0;
}

static uint64_t mapped(bool now_only) {
	uint64_t sum = 0;
	for (int i = 0; i < MOST; i++)
		sum += now_only && blocks[i].message != messages ? 0 : blocks[i].size;
	return sum;
}

/* Returns a place for one more block of a size, for which others that this message does not need may have to go. */
static struct block *make_room(uint64_t size) {
	if (size > blocks_limit || size > blocks_limit - mapped(true))
		return NULL;
	for (;;) {
		struct block *free_one = NULL, *oldest = NULL;
		for (struct block *block = blocks; block < blocks + MOST; block++) {
			if (block->size == 0)
				free_one = block;
			else if (block->message != messages && (oldest == NULL || block->message < oldest->message))
				oldest = block;
		}
		if (free_one != NULL && size <= blocks_limit - mapped(false))
			return free_one;
		if (oldest == NULL)
			return NULL;
		munmap(oldest->bytes, oldest->size);
		*oldest = (struct block) {0};
	}
}

static const char *map(int descriptor, const struct stat *file, struct block **found) {
	struct statfs system;
	int seals = fcntl(descriptor, F_GET_SEALS);
	/* If it could shrink, reading it could end this program. In a file of hugetlbfs, there may be no page to read. */
	if (seals < 0 || (seals & SEALS) != SEALS || fstatfs(descriptor, &system) != 0 || system.f_type != TMPFS_MAGIC)
		return "a block is not memory that is sealed against shrinking, growing and further seals";
	if (file->st_size <= 0)
		return "a block is empty";
	struct block *block = make_room(file->st_size);
	if (block == NULL)
		return "the blocks of this message are too many, or too large";
	void *bytes = mmap(NULL, file->st_size, PROT_READ, MAP_SHARED, descriptor, 0);
	if (bytes == MAP_FAILED)
		return "a block cannot be mapped";
	*block = (struct block) {file->st_dev, file->st_ino, bytes, file->st_size, messages};
	*found = block;
	return NULL;
}

const char *blocks_find(int descriptor, uint64_t offset, uint64_t length, struct slice *slice) {
	struct stat file;
	if (fstat(descriptor, &file) != 0)
		return "a block is no file";
	struct block *block = NULL;
	for (int i = 0; i < MOST && block == NULL; i++)
		/* As long as it is mapped, no other file has its number. */
		if (blocks[i].size > 0 && blocks[i].device == file.st_dev && blocks[i].inode == file.st_ino)
			block = &blocks[i];
	if (block != NULL && block->message != messages && block->size > blocks_limit - mapped(true))
		return "the blocks of this message are too large";
	const char *why = block == NULL ? map(descriptor, &file, &block) : NULL;
	if (why != NULL)
		return why;
	block->message = messages;
	if (length == 0 || length > block->size || offset > block->size - length)
		return "a reference goes beyond its block";
	if (length > blocks_limit - referred)
		return "the references of this message are to too much";
	referred += length;
	*slice = (struct slice) {block->bytes + offset, length};
	return NULL;
}
