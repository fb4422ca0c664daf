package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

var (
	errNobodyReads = errors.New("nobody reads the reply")
	errCutShort    = errors.New("the end in the middle of a message")
)

// For how long to stay awake when there is nothing to do.
var spinTime = func() time.Duration {
	micros, _ := strconv.ParseUint(os.Getenv("TINY_IPC_SPIN_MICROS"), 10, 31)
	return time.Duration(micros) * time.Microsecond
}()

// A lane is memory that messages go through: docs/wire-format.md, "Memory lanes". One goroutine may receive while another
// one sends.
type lane struct {
	memory *memory
	door   *door
	in     *ring
	out    *ring
	// Where the latest frames with descriptors begin, of which so many may be unread.
	marks []uint64
}

// acceptMemory takes what the parent offers. An error says what is wrong with it, and nothing is mapped then.
func acceptMemory(socket, file int) (*lane, error) {
	m, err := mapMemory(file)
	if err != nil {
		return nil, err
	}
	return &lane{memory: m, door: newDoor(socket), in: incomingRing(m), out: outgoingRing(m)}, nil
}

// close is for when nobody uses it any more.
func (l *lane) close() {
	l.door.close()
	l.memory.unmap()
}

// receive returns the next body and its descriptors, or nothing once the peer has closed.
func (l *lane) receive() (body []byte, descriptors []int, err error) {
	if there, err := l.await(l.in, 1); !there || err != nil {
		return nil, nil, err
	}
	var start [2 * header]byte
	if err := l.read(start[:]); err != nil {
		return nil, nil, err
	}
	count, length := binary.NativeEndian.Uint64(start[:]), binary.NativeEndian.Uint64(start[header:])
	if count > mostDescriptors || length == 0 || length > largestBody {
		return nil, nil, fmt.Errorf("a message of %d bytes with %d descriptors", length, count)
	}
	if count > 0 {
		if descriptors, err = l.door.takeDescriptors(int(count)); err != nil {
			return nil, nil, err
		}
	}
	body = make([]byte, length)
	if err := l.read(body); err != nil {
		return nil, descriptors, err
	}
	l.publish(l.in)
	return body, descriptors, nil
}

func (l *lane) read(target []byte) error {
	for len(target) > 0 {
		if err := l.awaitMore(l.in, errCutShort); err != nil {
			return err
		}
		target = target[l.in.read(target):]
		if len(target) > 0 {
			l.publish(l.in)
		}
	}
	return nil
}

// send sends a frame; the descriptors stay the caller's.
func (l *lane) send(frame []byte, descriptors []int) error {
	if len(descriptors) > 0 {
		if len(l.marks) == mostArrivals {
			if passed, err := l.await(l.out, l.out.roomBeyond(l.marks[0])); err != nil {
				return err
			} else if !passed {
				return errNobodyReads
			}
			l.marks = l.marks[1:]
		}
		l.marks = append(l.marks, l.out.own)
		if err := l.door.sendDescriptors(descriptors); err != nil {
			return err
		}
	}
	if err := l.write(binary.NativeEndian.AppendUint64(nil, uint64(len(descriptors)))); err != nil {
		return err
	}
	if err := l.write(frame); err != nil {
		return err
	}
	l.publish(l.out)
	return nil
}

func (l *lane) write(source []byte) error {
	for len(source) > 0 {
		if err := l.awaitMore(l.out, errNobodyReads); err != nil {
			return err
		}
		source = source[l.out.write(source):]
		if len(source) > 0 {
			l.publish(l.out)
		}
	}
	return nil
}

// awaitMore waits for anything to be read or written, or returns the error if there will be nothing.
func (l *lane) awaitMore(r *ring, never error) error {
	there, err := r.has(1)
	if there || err != nil {
		return err
	}
	l.publish(r)
	if there, err = l.await(r, 1); err == nil && !there {
		err = never
	}
	return err
}

// await waits until so much can be read or written. It returns false if it never will be, because the peer has closed.
func (l *lane) await(r *ring, wanted uint64) (bool, error) {
	if there, err := r.has(wanted); there || err != nil {
		return there, err
	}
	for start := time.Now(); spinTime > 0 && time.Since(start) < spinTime; {
		runtime.Gosched()
		if there, err := r.has(wanted); there || err != nil {
			return there, err
		}
	}
	if err := l.door.wait(r, wanted); err != nil {
		return false, err
	}
	// What was published before the end is still there.
	return r.has(wanted)
}

func (l *lane) publish(r *ring) {
	if r.publish() {
		l.door.ring()
	}
}
