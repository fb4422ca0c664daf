//! Messages that go through memory that the parent shares: docs/wire-format.md, "Memory lanes".

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::door::{ring_bell, send_descriptors, Door, MOST_ARRIVALS};
use crate::memory::Memory;
use crate::ring::Ring;
use crate::wire::{Result, HEADER, LARGEST_BODY, MOST_DESCRIPTORS};

/// One thread may receive while another one sends.
pub struct Lane {
    door: Door,
    incoming: Mutex<Ring>,
    outgoing: Mutex<Outgoing>,
    /// For how long to stay awake when there is nothing to do.
    spin: Duration,
}

struct Outgoing {
    ring: Ring,
    /// Where the latest frames with descriptors begin, of which so many may be unread.
    marks: VecDeque<u64>,
}

impl Lane {
    /// Takes what the parent offers. An error says what is wrong with it, and nothing is mapped then.
    pub fn accept(file: &OwnedFd) -> Result<Lane> {
        let memory = Arc::new(Memory::map(file)?);
        let spin = std::env::var("TINY_IPC_SPIN_MICROS").ok().and_then(|micros| micros.parse().ok());
        Ok(Lane {
            door: Door::default(),
            incoming: Mutex::new(Ring::incoming(&memory)),
            outgoing: Mutex::new(Outgoing { ring: Ring::outgoing(&memory), marks: VecDeque::new() }),
            spin: Duration::from_micros(spin.unwrap_or(0)),
        })
    }

    /// Returns the next body with its descriptors, or nothing once the peer has closed.
    pub fn receive(&self, socket: &OwnedFd) -> Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
        let ring = &mut *self.incoming.lock().expect("nobody panics");
        if !self.wait(socket, ring, 1)? {
            return Ok(None);
        }
        let descriptors = self.read_number(socket, ring)?;
        let length = self.read_number(socket, ring)?;
        if descriptors > MOST_DESCRIPTORS as u64 || length == 0 || length > LARGEST_BODY {
            return Err(format!("a message of {length} bytes with {descriptors} descriptors").into());
        }
        let descriptors = match descriptors {
            0 => Vec::new(),
            count => self.door.take_descriptors(socket, count as usize)?,
        };
        let mut body = vec![0; length as usize];
        self.read(socket, ring, &mut body)?;
        publish(socket, ring);
        Ok(Some((body, descriptors)))
    }

    fn read_number(&self, socket: &OwnedFd, ring: &mut Ring) -> Result<u64> {
        let mut number = [0; HEADER];
        self.read(socket, ring, &mut number)?;
        Ok(u64::from_ne_bytes(number))
    }

    fn read(&self, socket: &OwnedFd, ring: &mut Ring, mut target: &mut [u8]) -> Result<()> {
        while !target.is_empty() {
            if !ring.has(1)? {
                publish(socket, ring);
                if !self.wait(socket, ring, 1)? {
                    return Err("the end in the middle of a message".into());
                }
            }
            let part = ring.read(target);
            target = &mut target[part..];
            if !target.is_empty() {
                publish(socket, ring);
            }
        }
        Ok(())
    }

    /// Sends a frame. The descriptors stay the caller's.
    pub fn send(&self, socket: &OwnedFd, frame: &[u8], descriptors: &[&OwnedFd]) -> Result<()> {
        let Outgoing { ring, marks } = &mut *self.outgoing.lock().expect("nobody panics");
        if !descriptors.is_empty() {
            if marks.len() == MOST_ARRIVALS {
                let oldest = marks.pop_front().expect("the oldest");
                if !self.wait(socket, ring, ring.room_beyond(oldest))? {
                    return Err("nobody reads the reply".into());
                }
            }
            marks.push_back(ring.position());
            send_descriptors(socket, descriptors)?;
        }
        self.write(socket, ring, &(descriptors.len() as u64).to_ne_bytes())?;
        self.write(socket, ring, frame)?;
        publish(socket, ring);
        Ok(())
    }

    fn write(&self, socket: &OwnedFd, ring: &mut Ring, mut source: &[u8]) -> Result<()> {
        while !source.is_empty() {
            if !ring.has(1)? {
                publish(socket, ring);
                if !self.wait(socket, ring, 1)? {
                    return Err("nobody reads the reply".into());
                }
            }
            source = &source[ring.write(source)..];
            if !source.is_empty() {
                publish(socket, ring);
            }
        }
        Ok(())
    }

    /// Waits until so much can be read or written. Returns false if it never will be, because the peer has closed.
    fn wait(&self, socket: &OwnedFd, ring: &mut Ring, wanted: u64) -> Result<bool> {
        if ring.has(wanted)? {
            return Ok(true);
        }
        if !self.spin.is_zero() {
            let start = Instant::now();
            while start.elapsed() < self.spin {
                spin_loop();
                if ring.has(wanted)? {
                    return Ok(true);
                }
            }
        }
        self.door.wait(socket, ring, wanted)?;
        // What was published before the end is still there.
        ring.has(wanted)
    }
}

fn publish(socket: &OwnedFd, ring: &Ring) {
    if ring.publish() {
        ring_bell(socket);
    }
}
