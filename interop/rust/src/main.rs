//! A child of tiny-ipc in Rust.
//!
//! Build:  cargo build --release
//! Run:    a parent starts it (`target/release/child`) and names the socket in TINY_IPC_FD.

use std::error::Error;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::process::ExitCode;

use ciborium::{cbor, Value};
use rustix::fs::{fstat, memfd_create, MemfdFlags};
use rustix::io::pwrite;
use rustix::net::{
    recvmsg, sendmsg, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

const HEADER: usize = 8;
const PACKET: usize = 64 * 1024;
const LARGEST_PACKET: usize = 512 * 1024;
const LARGEST_BODY: u64 = 16 * 1024 * 1024;
const MOST_DESCRIPTORS: usize = 253;
const ERROR_ITEM: u64 = 1230000965;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Message {
    body: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// What a request is answered with: an item, and perhaps a descriptor.
struct Reply(Value, Option<OwnedFd>);

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("child: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<()> {
    let number = std::env::var("TINY_IPC_FD").map_err(|_| "a parent starts this program")?;
    // SAFETY: the parent handed this descriptor to us alone.
    let peer = unsafe { OwnedFd::from_raw_fd(number.parse()?) };
    let mut buffer = vec![0; LARGEST_PACKET];
    while let Some(message) = receive(&peer, &mut buffer)? {
        let Reply(item, descriptor) = answer(&message).unwrap_or_else(failure);
        send(&peer, &item, descriptor.as_ref())?;
    }
    Ok(())
}

/// Returns the next message, or nothing once the peer has closed.
fn receive(peer: &OwnedFd, buffer: &mut [u8]) -> Result<Option<Message>> {
    let (packet, descriptors) = receive_packet(peer, buffer)?;
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
        let (packet, stray) = receive_packet(peer, buffer)?;
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
    Ok(Some(Message { body, descriptors }))
}

fn receive_packet<'a>(peer: &OwnedFd, buffer: &'a mut [u8]) -> Result<(&'a [u8], Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let data = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(peer, data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
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

/// Sends one message; the descriptor travels with its first packet.
fn send(peer: &OwnedFd, item: &Value, descriptor: Option<&OwnedFd>) -> Result<()> {
    let mut frame = vec![0; HEADER];
    ciborium::into_writer(item, &mut frame)?;
    let length = (frame.len() - HEADER) as u64;
    frame[..HEADER].copy_from_slice(&length.to_ne_bytes());
    let descriptors: Vec<BorrowedFd> = descriptor.iter().map(|fd| fd.as_fd()).collect();
    for (index, packet) in frame.chunks(PACKET).enumerate() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if index == 0 && !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        sendmsg(peer, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

fn answer(message: &Message) -> Result<Reply> {
    let request = decode(&message.body)?;
    let value = |key| {
        let (_, value) = request.as_map()?.iter().find(|(name, _)| name.as_text() == Some(key))?;
        Some(value)
    };
    let text = |key| value(key).and_then(Value::as_text);
    match (text("do"), message.descriptors.as_slice()) {
        (Some("echo"), _) => {
            let payload = value("payload").ok_or("echo: no payload")?;
            Ok(Reply(payload.clone(), None))
        }
        (Some("sum"), _) => {
            let numbers = value("numbers").and_then(Value::as_array).ok_or("sum: no numbers")?;
            Ok(Reply(sum(numbers)?, None))
        }
        (Some("length"), [file]) => Ok(Reply(fstat(file)?.st_size.into(), None)),
        (Some("memory"), _) => {
            let text = text("text").ok_or("memory: no text")?;
            let memory = memfd_create("text", MemfdFlags::CLOEXEC)?;
            let length = pwrite(&memory, text.as_bytes(), 0)?;
            Ok(Reply((length as u64).into(), Some(memory)))
        }
        (Some("fail"), _) => Err(text("message").ok_or("fail: no message")?.into()),
        _ => {
            let what = value("do").unwrap_or(&request);
            Err(format!("no request that this child knows: {what:?}").into())
        }
    }
}

fn decode(mut body: &[u8]) -> Result<Value> {
    let item = ciborium::from_reader(&mut body)?;
    if !body.is_empty() {
        return Err("the body is more than one CBOR item".into());
    }
    Ok(item)
}

fn sum(numbers: &[Value]) -> Result<Value> {
    let mut sum = 0;
    for number in numbers {
        sum += i128::from(number.as_integer().ok_or("sum: not a whole number")?);
    }
    Ok(Value::Integer(sum.try_into()?))
}

/// The error item, which a requester never takes for a normal reply.
fn failure(error: Box<dyn Error>) -> Reply {
    let map = cbor!({ "type" => "Failure", "message" => error.to_string() });
    Reply(Value::Tag(ERROR_ITEM, Box::new(map.expect("plain text"))), None)
}
