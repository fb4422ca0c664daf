//! Frames, and the socket that they go over.

use std::error::Error;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use ciborium::Value;
use rustix::net::{
    recvmsg, sendmsg, shutdown, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown,
};

use crate::lane::Lane;

pub const HEADER: usize = 8;
const PACKET: usize = 64 * 1024;
pub const LARGEST_PACKET: usize = 512 * 1024;
pub const LARGEST_BODY: u64 = 16 * 1024 * 1024;
pub const MOST_DESCRIPTORS: usize = 253;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A body and its descriptors.
pub type Received = (Vec<u8>, Vec<OwnedFd>);

/// A socket, and the memory that its messages go through once the parent has shared some.
pub struct Link {
    pub socket: OwnedFd,
    memory: OnceLock<Lane>,
}

impl Link {
    pub fn new(socket: OwnedFd) -> Link {
        Link { socket, memory: OnceLock::new() }
    }

    /// From now on, all messages go through memory. Nobody may be receiving or sending one.
    pub fn share(&self, memory: Lane) {
        let fresh = self.memory.set(memory).is_ok();
        debug_assert!(fresh);
    }

    pub fn is_shared(&self) -> bool {
        self.memory.get().is_some()
    }

    /// Returns the next body with its descriptors, or nothing once the peer has closed.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Option<Received>> {
        match self.memory.get() {
            Some(memory) => memory.receive(&self.socket),
            None => receive(&self.socket, buffer),
        }
    }

    /// Sends one message. The descriptor stays the caller's.
    pub fn send(&self, item: &Value, descriptor: Option<&OwnedFd>) -> Result<()> {
        let mut frame = vec![0; HEADER];
        ciborium::into_writer(item, &mut frame)?;
        let length = (frame.len() - HEADER) as u64;
        frame[..HEADER].copy_from_slice(&length.to_ne_bytes());
        let descriptors = descriptor.as_slice();
        match self.memory.get() {
            Some(memory) => memory.send(&self.socket, &frame, descriptors),
            None => send(&self.socket, &frame, descriptors),
        }
    }

    /// Ends whatever waits for the peer.
    pub fn shut_down(&self) {
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

fn receive(peer: &OwnedFd, buffer: &mut [u8]) -> Result<Option<Received>> {
    let (packet, descriptors) = receive_packet(peer, buffer, RecvFlags::empty())?;
    if packet.is_empty() && descriptors.is_empty() {
        return Ok(None);
    }
    let (header, first) = match packet.split_first_chunk::<HEADER>() {
        Some((header, first)) if !first.is_empty() => (header, first),
        _ => return Err(format!("a message begins with a packet of {} bytes", packet.len()).into()),
    };
    let length = u64::from_ne_bytes(*header);
    if length == 0 || length > LARGEST_BODY {
        return Err(format!("a body of {length} bytes was announced").into());
    }
    let length = length as usize;
    let mut body = first.to_vec();
    while body.len() < length {
        let (packet, stray) = receive_packet(peer, buffer, RecvFlags::empty())?;
        if !stray.is_empty() {
            return Err("descriptors in the middle of a message".into());
        }
        if packet.is_empty() {
            return Err("the end in the middle of a message".into());
        }
        body.extend(packet);
    }
    if body.len() > length {
        return Err(format!("a body of {length} bytes was announced, but {} came", body.len()).into());
    }
    Ok(Some((body, descriptors)))
}

/// The error is an `Errno` if the call failed.
pub fn receive_packet<'a>(peer: &OwnedFd, buffer: &'a mut [u8], flags: RecvFlags) -> Result<(&'a [u8], Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let data = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(peer, data, &mut control, flags | RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err("a packet was cut short".into());
    }
    Ok((&buffer[..received.bytes], descriptors))
}

/// The descriptors travel with the first packet.
fn send(peer: &OwnedFd, frame: &[u8], mut descriptors: &[&OwnedFd]) -> Result<()> {
    for packet in frame.chunks(PACKET) {
        send_packet(peer, packet, descriptors)?;
        descriptors = &[];
    }
    Ok(())
}

pub fn send_packet(peer: &OwnedFd, packet: &[u8], descriptors: &[&OwnedFd]) -> Result<()> {
    let descriptors: Vec<BorrowedFd> = descriptors.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err("more descriptors than this child ever sends".into());
    }
    sendmsg(peer, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}
