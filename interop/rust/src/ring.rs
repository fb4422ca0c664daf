//! One direction of a memory lane, at one end of it: docs/wire-format.md, "The rings".

use std::sync::atomic::{fence, Ordering};
use std::sync::Arc;

use crate::memory::{Memory, HEADER_SIZE};
use crate::wire::Result;

const TAIL_0: usize = 256;
const HEAD_0: usize = 384;
const TAIL_1: usize = 512;
const HEAD_1: usize = 640;
const OPENER_SLEEPS: usize = 768;
const ACCEPTOR_SLEEPS: usize = 896;

/// What an end sleeps for.
const DATA: u32 = 1;
const ROOM: u32 = 2;

/// The writer looks for room as the reader looks for bytes, so both need the same.
pub struct Ring {
    memory: Arc<Memory>,
    start: usize,
    size: u64,
    /// Where our position is, for the peer, and where its own is.
    published: usize,
    peers: usize,
    /// Up to where we have written or read.
    own: u64,
    /// Up to where the peer was when we last looked.
    seen: u64,
    /// How far we may be ahead of it: the size for a writer, 0 for a reader.
    lead: u64,
    /// What we wait for here. The peer waits for the other one.
    reason: u32,
}

impl Ring {
    /// What the opener writes.
    pub fn incoming(memory: &Arc<Memory>) -> Ring {
        Ring {
            memory: Arc::clone(memory),
            start: HEADER_SIZE,
            size: memory.sizes[0],
            published: HEAD_0,
            peers: TAIL_0,
            own: 0,
            seen: 0,
            lead: 0,
            reason: DATA,
        }
    }

    /// What the opener reads.
    pub fn outgoing(memory: &Arc<Memory>) -> Ring {
        Ring {
            start: HEADER_SIZE + memory.sizes[0] as usize,
            size: memory.sizes[1],
            published: TAIL_1,
            peers: HEAD_1,
            lead: memory.sizes[1],
            reason: ROOM,
            ..Ring::incoming(memory)
        }
    }

    /// Up to where we have written or read.
    pub fn position(&self) -> u64 {
        self.own
    }

    /// For how much room a writer has to wait until the reader has passed a position.
    pub fn room_beyond(&self, position: u64) -> u64 {
        (self.size + 1).saturating_sub(self.own - position)
    }

    /// Whether so many bytes can be read, or written.
    pub fn has(&mut self, wanted: u64) -> Result<bool> {
        if self.available() < wanted {
            let now = self.memory.position(self.peers).load(Ordering::Acquire);
            // It never goes back. A reader follows the writer, who is at most one ring ahead.
            let most = self.own + self.size - self.lead;
            if now < self.seen || now > most {
                return Err("the peer's position in the memory is not possible".into());
            }
            self.seen = now;
        }
        Ok(self.available() >= wanted)
    }

    fn available(&self) -> u64 {
        self.seen + self.lead - self.own
    }

    /// Copies what is there, or a part of it.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        let (at, part) = self.next_part(target.len());
        self.memory.read(at, &mut target[..part]);
        self.own += part as u64;
        part
    }

    /// Copies what there is room for, or a part of it.
    pub fn write(&mut self, source: &[u8]) -> usize {
        let (at, part) = self.next_part(source.len());
        self.memory.write(at, &source[..part]);
        self.own += part as u64;
        part
    }

    /// Where the next bytes are, and how many of them to copy at once: not beyond the end of the ring, and at most a
    /// quarter of it, so that the peer works on another part meanwhile.
    fn next_part(&self, wanted: usize) -> (usize, usize) {
        let at = self.own & (self.size - 1);
        let part = self.available().min(self.size - at).min(self.size / 4).min(wanted as u64);
        (self.start + at as usize, part as usize)
    }

    /// Shows the peer how far we are. Returns whether it has to be woken.
    #[must_use]
    pub fn publish(&self) -> bool {
        self.memory.position(self.published).store(self.own, Ordering::Release);
        // Either the peer sees this when it looks for the last time, or we see that it sleeps.
        fence(Ordering::SeqCst);
        let peers = self.memory.reasons(OPENER_SLEEPS);
        let reason = DATA + ROOM - self.reason;
        peers.load(Ordering::Relaxed) & reason != 0 && peers.fetch_and(!reason, Ordering::Relaxed) & reason != 0
    }

    /// Says that we are about to sleep. After this, we must look once more.
    pub fn announce(&self) {
        self.memory.reasons(ACCEPTOR_SLEEPS).fetch_or(self.reason, Ordering::Relaxed);
        // Either we see what the peer publishes now, or the peer sees that we sleep.
        fence(Ordering::SeqCst);
    }

    pub fn wake_up(&self) {
        self.memory.reasons(ACCEPTOR_SLEEPS).fetch_and(!self.reason, Ordering::Relaxed);
    }
}
