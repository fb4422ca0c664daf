package main

import (
	"errors"
	"sync/atomic"
)

// Where the words of the header are that change.
const (
	tailOfRing0    = 256
	headOfRing0    = 384
	tailOfRing1    = 512
	headOfRing1    = 640
	openerSleeps   = 768
	acceptorSleeps = 896
)

// What an end sleeps for.
const (
	sleepsForData = 1
	sleepsForRoom = 2
)

// A ring is one direction of a memory lane, at this end. The writer looks for room as the reader looks for bytes, so both
// need the same.
//
// Go's atomic operations are sequentially consistent, which is more than the acquire, the release and the full fences of
// the wire format.
type ring struct {
	bytes []byte
	// Our position, for the peer, and its own.
	published, peers *atomic.Uint64
	// What each end sleeps for.
	ownSleep, peersSleep *atomic.Uint32
	// Up to where we have written or read.
	own uint64
	// Up to where the peer was when we last looked.
	seen uint64
	// How far we may be ahead of it: the size for a writer, 0 for a reader.
	lead uint64
	// What we wait for here, and what the peer waits for.
	reason, peersReason uint32
}

// incomingRing is what the opener writes.
func incomingRing(m *memory) *ring {
	return &ring{
		bytes:     m.bytes[memoryHeader:][:m.sizes[0]],
		published: m.position(headOfRing0), peers: m.position(tailOfRing0),
		ownSleep: m.reasons(acceptorSleeps), peersSleep: m.reasons(openerSleeps),
		reason: sleepsForData, peersReason: sleepsForRoom,
	}
}

// outgoingRing is what the opener reads.
func outgoingRing(m *memory) *ring {
	return &ring{
		bytes:     m.bytes[memoryHeader+m.sizes[0]:][:m.sizes[1]],
		published: m.position(tailOfRing1), peers: m.position(headOfRing1),
		ownSleep: m.reasons(acceptorSleeps), peersSleep: m.reasons(openerSleeps),
		lead:   m.sizes[1],
		reason: sleepsForRoom, peersReason: sleepsForData,
	}
}

func (r *ring) size() uint64 {
	return uint64(len(r.bytes))
}

func (r *ring) available() uint64 {
	return r.seen + r.lead - r.own
}

// has says whether so many bytes can be read, or written.
func (r *ring) has(wanted uint64) (bool, error) {
	if r.available() < wanted {
		now := r.peers.Load()
		// It never goes back. A reader follows the writer, who is at most one ring ahead.
		if now < r.seen || now > r.own+r.size()-r.lead {
			return false, errors.New("the peer's position in the memory is not possible")
		}
		r.seen = now
	}
	return r.available() >= wanted, nil
}

// roomBeyond returns for how much room a writer has to wait until the reader has passed a position.
func (r *ring) roomBeyond(position uint64) uint64 {
	if ahead := r.own - position; ahead <= r.size() {
		return r.size() + 1 - ahead
	}
	return 0
}

// read copies what is there, or a part of it.
func (r *ring) read(target []byte) int {
	part := copy(target, r.next())
	r.own += uint64(part)
	return part
}

// write copies what there is room for, or a part of it.
func (r *ring) write(source []byte) int {
	part := copy(r.next(), source)
	r.own += uint64(part)
	return part
}

// next returns the bytes to be copied at once: not beyond the end of the ring, and at most a quarter of it, so that the
// peer works on another part meanwhile.
func (r *ring) next() []byte {
	at := r.own & (r.size() - 1)
	return r.bytes[at:][:min(r.available(), r.size()-at, r.size()/4)]
}

// publish shows the peer how far we are, and says whether it has to be woken.
func (r *ring) publish() bool {
	r.published.Store(r.own)
	// Either the peer sees this when it looks for the last time, or we see that it sleeps.
	return r.peersSleep.Load()&r.peersReason != 0 && r.peersSleep.And(^r.peersReason)&r.peersReason != 0
}

// announce says that we are about to sleep. After this, we must look once more.
func (r *ring) announce() {
	// Either we see what the peer publishes now, or the peer sees that we sleep.
	r.ownSleep.Or(r.reason)
}

func (r *ring) wakeUp() {
	r.ownSleep.And(^r.reason)
}
