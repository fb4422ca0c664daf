package main

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	mostInBlocks = 64 << 20
	mostBlocks   = 64
)

// How many bytes the blocks of one message may have, and how many all references to them. 0 if there may be none.
var blocksLimit = func() uint64 {
	if !invited {
		return 0
	}
	limit, _ := strconv.ParseUint(os.Getenv("TINY_IPC_BLOCKS"), 10, 64)
	return min(limit, mostInBlocks)
}()

// Blocks are memory that the parent fills with bulk data and uses again: docs/wire-format.md, "Shared blocks". These are
// the ones of one lane. All that are mapped have at most as many bytes as those of one message may have.
type blocks struct {
	// Those that are mapped, the one used last at the end.
	known []block
	// How many bytes they have.
	mapped uint64
	// How many of them this message refers to, and to how many bytes.
	used     int
	referred uint64
}

type block struct {
	device, inode uint64
	bytes         []byte
}

// begin starts the next message. Slices of the last one must not be used any more, as their blocks may be unmapped now.
func (b *blocks) begin() {
	b.used, b.referred = 0, 0
}

// slice returns a part of a block, without a copy. A broken parent may change it at any time, so whoever parses it copies it
// first.
func (b *blocks) slice(file int, offset, length uint64) ([]byte, error) {
	bytes, err := b.find(file)
	if err != nil {
		return nil, err
	}
	size := uint64(len(bytes))
	if length == 0 || length > size || offset > size-length {
		return nil, errors.New("a reference goes beyond its block")
	}
	if length > blocksLimit-b.referred {
		return nil, errors.New("the references of this message are to too much")
	}
	b.referred += length
	return bytes[offset : offset+length : offset+length], nil
}

// find returns a block that is known, or maps it. It is at the end of those that are known then.
func (b *blocks) find(file int) ([]byte, error) {
	var status unix.Stat_t
	if err := unix.Fstat(file, &status); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	// As long as it is mapped, no other file has its number.
	place := slices.IndexFunc(b.known, func(known block) bool {
		return known.device == status.Dev && known.inode == status.Ino
	})
	if place < 0 {
		bytes, err := b.mapFile(file, status.Size)
		if err != nil {
			return nil, err
		}
		b.known = append(b.known, block{status.Dev, status.Ino, bytes})
		b.mapped += uint64(len(bytes))
		b.used++
		return bytes, nil
	}
	found := b.known[place]
	if place < len(b.known)-b.used {
		b.known = append(slices.Delete(b.known, place, place+1), found)
		b.used++
	}
	return found.bytes, nil
}

// mapFile maps a file of the parent. An error says what is wrong with it, and nothing is mapped then.
func (b *blocks) mapFile(file int, size int64) ([]byte, error) {
	const needed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	seals, err := unix.FcntlInt(uintptr(file), unix.F_GET_SEALS, 0)
	var system unix.Statfs_t
	// If it could shrink, reading it could end this program. In a file of hugetlbfs, there may be no page to read.
	if err != nil || seals&needed != needed || unix.Fstatfs(file, &system) != nil || system.Type != unix.TMPFS_MAGIC {
		return nil, errors.New("a block is not memory that is sealed against shrinking, growing and further seals")
	}
	if size <= 0 || uint64(size) > blocksLimit {
		return nil, errors.New("a block is empty, or too large")
	}
	if err := b.makeRoom(uint64(size)); err != nil {
		return nil, err
	}
	bytes, err := unix.Mmap(file, 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	return bytes, os.NewSyscallError("mmap", err)
}

// makeRoom unmaps blocks that this message does not need, the oldest ones first.
func (b *blocks) makeRoom(size uint64) error {
	for len(b.known) == mostBlocks || b.mapped+size > blocksLimit {
		if len(b.known) == b.used {
			return errors.New("the blocks of this message are too many, or too large")
		}
		oldest := b.known[0].bytes
		b.known = slices.Delete(b.known, 0, 1)
		b.mapped -= uint64(len(oldest))
		unix.Munmap(oldest)
	}
	return nil
}

// unmap is for when nobody uses them any more.
func (b *blocks) unmap() {
	for _, known := range b.known {
		unix.Munmap(known.bytes)
	}
	*b = blocks{}
}
