package main

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// The byte of a packet on the socket of a memory lane.
const (
	bellPacket        = 0
	descriptorsPacket = 1
)

// How many frames with descriptors may be unread.
const mostArrivals = 256

// A door is the socket of a memory lane. It wakes those that sleep at both ends, and passes descriptors on.
//
// One goroutine may wait for something to read, another for room to write, and each packet may be for either. So only one
// of them watches the socket at a time, and whatever comes wakes the other one, too.
type door struct {
	socket int
	lock   sync.Mutex
	// Something came, or nobody watches any more.
	changed *sync.Cond
	watched bool
	ended   bool
	// The descriptors of frames that have not been read yet.
	arrivals [][]int
}

func newDoor(socket int) *door {
	d := &door{socket: socket}
	d.changed = sync.NewCond(&d.lock)
	return d
}

// wait sleeps until so much can be read or written, or the peer has closed.
func (d *door) wait(r *ring, wanted uint64) error {
	defer r.wakeUp()
	d.lock.Lock()
	defer d.lock.Unlock()
	for !d.ended {
		r.announce()
		if there, err := r.has(wanted); there || err != nil {
			return err
		}
		if d.watched {
			d.changed.Wait()
			continue
		}
		if err := d.watch(); err != nil {
			return err
		}
	}
	return nil
}

// watch waits for a packet and takes it. Meanwhile the lock is not held.
func (d *door) watch() error {
	d.watched = true
	d.lock.Unlock()
	readable, err := d.readable(-1)
	d.lock.Lock()
	d.watched = false
	defer d.changed.Broadcast()
	if readable {
		err = d.takePacket()
	}
	return err
}

// takeDescriptors takes those of the frame that is being read. They were sent before it was published, so they are there
// now, or never will be.
func (d *door) takeDescriptors(count int) ([]int, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	for len(d.arrivals) == 0 && !d.ended {
		if readable, err := d.readable(0); err != nil {
			return nil, err
		} else if !readable {
			break
		}
		if d.watched {
			// What this goroutine took, the one that watches would wait for.
			d.changed.Wait()
			continue
		}
		err := d.takePacket()
		d.changed.Broadcast()
		if err != nil {
			return nil, err
		}
	}
	if len(d.arrivals) == 0 || len(d.arrivals[0]) != count {
		return nil, errors.New("the descriptors of a message are not there")
	}
	descriptors := d.arrivals[0]
	d.arrivals = d.arrivals[1:]
	return descriptors, nil
}

// takePacket takes a packet, if one is there. The caller holds the lock.
func (d *door) takePacket() error {
	// One byte more than a packet has.
	packet, descriptors, err := receivePacket(d.socket, make([]byte, 2), unix.MSG_DONTWAIT)
	switch {
	// A reset is due to a bell that nobody has read.
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNRESET):
		return nil
	case err == nil && len(packet) == 0 && len(descriptors) == 0:
		d.ended = true
		return nil
	case err == nil && len(packet) == 1 && packet[0] == bellPacket && len(descriptors) == 0:
		return nil
	case err == nil && len(packet) == 1 && packet[0] == descriptorsPacket && len(descriptors) > 0:
		// One more, because a part of the frame that is being read may be published already.
		if len(d.arrivals) <= mostArrivals {
			d.arrivals = append(d.arrivals, descriptors)
			return nil
		}
		err = errors.New("descriptors of too many messages")
	case err == nil:
		err = errors.New("a packet is neither a bell nor the descriptors of a message")
	}
	closeAll(descriptors)
	return err
}

func (d *door) readable(timeout int) (bool, error) {
	readable, err := unix.Poll([]unix.PollFd{{Fd: int32(d.socket), Events: unix.POLLIN}}, timeout)
	if err == unix.EINTR {
		if timeout == 0 {
			return d.readable(timeout)
		}
		return false, nil
	}
	return readable > 0, os.NewSyscallError("poll", err)
}

// ring wakes the peer. If the socket is full, there is enough on it for that. If the peer is gone, the next wait tells.
func (d *door) ring() {
	unix.Sendmsg(d.socket, []byte{bellPacket}, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// sendDescriptors sends those of a frame, before anything of it is published.
func (d *door) sendDescriptors(descriptors []int) error {
	return sendPacket(d.socket, []byte{descriptorsPacket}, descriptors)
}

// close closes what nobody has taken.
func (d *door) close() {
	for _, descriptors := range d.arrivals {
		closeAll(descriptors)
	}
	d.arrivals = nil
}
