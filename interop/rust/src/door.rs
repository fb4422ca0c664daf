//! The socket of a memory lane: docs/wire-format.md, "The socket of a memory lane", "Sleep and wake-up".

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex, MutexGuard};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{send, RecvFlags, SendFlags};

use crate::ring::Ring;
use crate::wire::{receive_packet, send_packet, Result, MOST_DESCRIPTORS};

/// The byte of a packet.
const BELL: u8 = 0;
const DESCRIPTORS: u8 = 1;

/// How many frames with descriptors may be unread.
pub const MOST_ARRIVALS: usize = 256;

/// Wakes those that sleep at both ends, and passes descriptors on.
///
/// One thread may wait for something to read, another for room to write, and each packet may be for either. So only one
/// of them watches the socket at a time, and whatever comes wakes the other one, too.
#[derive(Default)]
pub struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    watched: bool,
    ended: bool,
    /// The descriptors of frames that have not been read yet.
    arrivals: VecDeque<Vec<OwnedFd>>,
}

impl Door {
    /// Sleeps until so much can be read or written, or the peer has closed.
    pub fn wait(&self, socket: &OwnedFd, ring: &mut Ring, wanted: u64) -> Result<()> {
        let waited = self.sleep(socket, ring, wanted);
        ring.wake_up();
        waited
    }

    fn sleep(&self, socket: &OwnedFd, ring: &mut Ring, wanted: u64) -> Result<()> {
        let mut state = self.lock();
        while !state.ended {
            ring.announce();
            if ring.has(wanted)? {
                break;
            }
            if state.watched {
                state = self.changed.wait(state).expect("nobody panics");
                continue;
            }
            state.watched = true;
            drop(state);
            let polled = is_readable(socket, None);
            state = self.lock();
            state.watched = false;
            let taken = polled.and_then(|readable| if readable { state.take_packet(socket) } else { Ok(()) });
            self.changed.notify_all();
            taken?;
        }
        Ok(())
    }

    /// Takes the descriptors of the frame that is being read. They were sent before it was published, so they are there
    /// now, or never will be.
    pub fn take_descriptors(&self, socket: &OwnedFd, count: usize) -> Result<Vec<OwnedFd>> {
        let mut state = self.lock();
        while state.arrivals.is_empty() && is_readable(socket, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? {
            if state.watched {
                // What this thread took, the one that watches would wait for.
                state = self.changed.wait(state).expect("nobody panics");
            } else {
                state.take_packet(socket)?;
                self.changed.notify_all();
                if state.ended {
                    break;
                }
            }
        }
        match state.arrivals.pop_front() {
            Some(descriptors) if descriptors.len() == count => Ok(descriptors),
            _ => Err("the descriptors of a message are not there".into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics")
    }
}

impl State {
    fn take_packet(&mut self, socket: &OwnedFd) -> Result<()> {
        // One byte more than a packet has.
        let mut buffer = [0; 2];
        let (packet, descriptors) = match receive_packet(socket, &mut buffer, RecvFlags::DONTWAIT) {
            // A reset is due to a bell that nobody has read.
            Err(error) if matches!(error.downcast_ref(), Some(&(Errno::AGAIN | Errno::INTR | Errno::CONNRESET))) => {
                return Ok(());
            }
            received => received?,
        };
        match (packet, descriptors.len()) {
            ([], 0) => self.ended = true,
            ([BELL], 0) => {}
            // One more, because a part of the frame that is being read may be published already.
            ([DESCRIPTORS], 1..=MOST_DESCRIPTORS) if self.arrivals.len() <= MOST_ARRIVALS => {
                self.arrivals.push_back(descriptors);
            }
            ([DESCRIPTORS], 1..=MOST_DESCRIPTORS) => return Err("descriptors of too many messages".into()),
            _ => return Err("a packet is neither a bell nor the descriptors of a message".into()),
        }
        Ok(())
    }
}

/// Wakes the peer. If the socket is full, there is enough on it for that. If the peer is gone, the next wait tells.
pub fn ring_bell(socket: &OwnedFd) {
    let _ = send(socket, &[BELL], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Sends the descriptors of a frame, before anything of it is published.
pub fn send_descriptors(socket: &OwnedFd, descriptors: &[&OwnedFd]) -> Result<()> {
    send_packet(socket, &[DESCRIPTORS], descriptors)
}

fn is_readable(socket: &OwnedFd, timeout: Option<&Timespec>) -> Result<bool> {
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], timeout) {
        Err(Errno::INTR) => Ok(false),
        polled => Ok(polled? > 0),
    }
}
