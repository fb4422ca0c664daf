package main

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	memoryMagic   = 0x4d637069796e6974
	memoryVersion = 1
	memoryHeader  = 4096
	smallestRing  = 4096
	largestRing   = 64 << 20
)

// Memory is the file of a memory lane, as it is mapped. The peer can write to it at any time, so what is in it is copied
// before it is looked at.
type memory struct {
	bytes []byte
	// The sizes of ring 0 and ring 1.
	sizes [2]uint64
}

// mapMemory maps a file of the peer. An error says what is wrong with it, and nothing is mapped then.
func mapMemory(file int) (*memory, error) {
	sizes, err := checkMemory(file)
	if err != nil {
		return nil, err
	}
	length := memoryHeader + int(sizes[0]+sizes[1])
	bytes, err := unix.Mmap(file, 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &memory{bytes, sizes}, nil
}

// checkMemory returns the sizes of the rings, from a copy of the header.
func checkMemory(file int) (sizes [2]uint64, err error) {
	const needed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	// If the file could shrink, reading what is mapped could end this program.
	if seals, err := unix.FcntlInt(uintptr(file), unix.F_GET_SEALS, 0); err != nil || seals&needed != needed {
		return sizes, errors.New("the memory is not sealed against shrinking, growing and further seals")
	}
	var layout [32]byte
	if length, err := unix.Pread(file, layout[:], 0); err != nil || length != len(layout) {
		return sizes, errors.New("the memory has no header")
	}
	order := binary.NativeEndian
	if order.Uint64(layout[:]) != memoryMagic || order.Uint32(layout[8:]) != memoryVersion ||
		order.Uint32(layout[12:]) != memoryHeader {
		return sizes, errors.New("the memory has no header of this version")
	}
	for i := range sizes {
		sizes[i] = order.Uint64(layout[16+8*i:])
		if sizes[i] < smallestRing || sizes[i] > largestRing || sizes[i]&(sizes[i]-1) != 0 {
			return sizes, errors.New("a ring is not a power of two from 4 KiB to 64 MiB")
		}
	}
	var status unix.Stat_t
	if err := unix.Fstat(file, &status); err != nil {
		return sizes, os.NewSyscallError("fstat", err)
	}
	if status.Size < 0 || uint64(status.Size) != memoryHeader+sizes[0]+sizes[1] {
		return sizes, errors.New("the size of the memory is not that of its header and rings")
	}
	return sizes, nil
}

// position returns a word of 64 bits.
func (m *memory) position(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&m.bytes[offset]))
}

// reasons returns a word of 32 bits.
func (m *memory) reasons(offset int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&m.bytes[offset]))
}

// unmap is for when nobody uses it any more.
func (m *memory) unmap() {
	unix.Munmap(m.bytes)
}
