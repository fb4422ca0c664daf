//! A child of tiny-ipc that is written with tiny-nix-ipc itself.
//!
//! Build:  cargo build --release
//! Run:    a parent starts it (`target/release/child [slice | struct | slice-with-descriptor]`) and names the socket in
//!         TINY_IPC_FD. Without an argument it answers CBOR requests, otherwise raw packets.
//!
//! What the crate does and does not do, and what follows here:
//! - It knows no continued messages: one that is larger than a packet, either way, ends this program with exit code 1.
//! - It takes the end of the stream for a wrong length, and cuts a packet that is too long: a look ahead tells them first.
//! - It panics when two descriptors come where one is expected: that is exit code 1, too. With [RawFd; 0] it drops them all.
//! - It does not tell that the kernel dropped descriptors (MSG_CTRUNC), and a descriptor that comes with a body
//!   that is no CBOR is never closed.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::panic;
use std::process::exit;

use serde_cbor::Value;
use tiny_nix_ipc::errors::{Error as IpcError, ErrorKind};
use tiny_nix_ipc::Socket;
use zerocopy::{AsBytes, FromBytes};

const HEADER: usize = 8;
const LARGEST_PACKET: usize = 512 * 1024;
const ERROR_ITEM: u64 = 1230000965;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    panic::set_hook(Box::new(|panic| fail(panic)));
    let number = env::var("TINY_IPC_FD").ok().and_then(|number| number.parse().ok());
    let Some(number) = number else { fail(&"TINY_IPC_FD names no socket: a parent starts this program") };
    // SAFETY: the parent handed this descriptor to us alone.
    let mut parent = unsafe { Socket::from_raw_fd(number) };
    let served = match env::args().nth(1).as_deref() {
        None => serve_cbor(&mut parent),
        Some("slice") => serve_slice(&mut parent),
        Some("struct") => serve_struct(&mut parent),
        Some("slice-with-descriptor") => serve_slice_with_descriptor(&mut parent),
        Some(mode) => Err(format!("no mode that this child knows: {mode}").into()),
    };
    if let Err(error) = served {
        fail(&error);
    }
}

fn fail(problem: &dyn std::fmt::Display) -> ! {
    eprintln!("child: {problem}");
    exit(1)
}

fn serve_cbor(parent: &mut Socket) -> Result<()> {
    while let Some(size) = next_packet(parent)? {
        if size <= HEADER || size > LARGEST_PACKET {
            return Err(format!("a message begins with a packet of {size} bytes").into());
        }
        let (reply, memory) = match parent.recv_cbor::<Value, [RawFd; 1]>(size - HEADER) {
            Ok((request, descriptors)) => {
                let file = descriptors.map(|[fd]| unsafe { File::from_raw_fd(fd) });
                answer(&request, file).unwrap_or_else(error_item)
            }
            Err(IpcError(ErrorKind::Cbor(malformed), _)) => error_item(malformed.into()),
            Err(error) => return Err(error.into()),
        };
        let descriptor = memory.as_ref().map(|memory| [memory.as_raw_fd()]);
        parent.send_cbor(&reply, descriptor.as_ref().map(|fds| &fds[..]))?;
    }
    Ok(())
}

/// Waits for the next packet and returns its size in bytes, or nothing once the peer has closed.
fn next_packet(socket: &Socket) -> Result<Option<usize>> {
    let flags = libc::MSG_PEEK | libc::MSG_TRUNC;
    // SAFETY: no buffer is given.
    match unsafe { libc::recv(socket.as_raw_fd(), std::ptr::null_mut(), 0, flags) } {
        ..0 => Err(io::Error::last_os_error().into()),
        0 => Ok(None),
        size => Ok(Some(size as usize)),
    }
}

fn answer(request: &Value, file: Option<File>) -> Result<(Value, Option<File>)> {
    let text = |key| match value(request, key) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    match (text("do"), file) {
        (Some("echo"), _) => {
            let payload = value(request, "payload").ok_or("echo: no payload")?;
            Ok((payload.clone(), None))
        }
        (Some("sum"), _) => Ok((sum(value(request, "numbers"))?, None)),
        (Some("length"), Some(file)) => Ok((file.metadata()?.len().into(), None)),
        (Some("memory"), _) => {
            let text = text("text").ok_or("memory: no text")?;
            let memory = memory_file()?;
            memory.write_all_at(text.as_bytes(), 0)?;
            Ok(((text.len() as u64).into(), Some(memory)))
        }
        (Some("fail"), _) => Err(text("message").ok_or("fail: no message")?.into()),
        _ => {
            let what = value(request, "do").unwrap_or(request);
            Err(format!("no request that this child knows: {what:?}").into())
        }
    }
}

fn value<'a>(request: &'a Value, key: &str) -> Option<&'a Value> {
    match request {
        Value::Map(fields) => fields.get(&Value::Text(key.to_owned())),
        _ => None,
    }
}

fn sum(numbers: Option<&Value>) -> Result<Value> {
    let Some(Value::Array(numbers)) = numbers else {
        return Err("sum: no numbers".into());
    };
    let mut sum = 0;
    for number in numbers {
        let Value::Integer(number) = number else {
            return Err(format!("sum: {number:?} is not a whole number").into());
        };
        sum += number;
    }
    if !(-1 << 64..1 << 64).contains(&sum) {
        return Err(format!("sum: {sum} is too large").into());
    }
    Ok(Value::Integer(sum))
}

fn memory_file() -> io::Result<File> {
    // SAFETY: a new descriptor, which nobody else has.
    match unsafe { libc::memfd_create(c"text".as_ptr(), libc::MFD_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        memory => Ok(unsafe { File::from_raw_fd(memory) }),
    }
}

/// The error item, which a requester never takes for a normal reply.
fn error_item(error: Box<dyn Error>) -> (Value, Option<File>) {
    let fields = [("type", "Failure".to_owned()), ("message", error.to_string())];
    let map = fields.into_iter().map(|(key, text)| (Value::Text(key.to_owned()), Value::Text(text))).collect();
    (Value::Tag(ERROR_ITEM, Box::new(Value::Map(map))), None)
}

/// Answers four bytes with the same bytes in reverse.
fn serve_slice(parent: &mut Socket) -> Result<()> {
    while expect_packet(parent, 4)? {
        let mut bytes = [0; 4];
        parent.recv_into_slice::<[RawFd; 0]>(&mut bytes[..])?;
        bytes.reverse();
        parent.send_slice(&bytes[..], None)?;
    }
    Ok(())
}

/// Answers four bytes and a file with the file's first four bytes.
fn serve_slice_with_descriptor(parent: &mut Socket) -> Result<()> {
    while expect_packet(parent, 4)? {
        let mut bytes = [0; 4];
        let (_, descriptors) = parent.recv_into_slice::<[RawFd; 1]>(&mut bytes[..])?;
        let [descriptor] = descriptors.ok_or("four bytes came without a descriptor")?;
        let file = unsafe { File::from_raw_fd(descriptor) };
        file.read_exact_at(&mut bytes, 0)?;
        parent.send_slice(&bytes[..], None)?;
    }
    Ok(())
}

#[derive(FromBytes, AsBytes)]
#[repr(C)]
struct TestStruct {
    one: i8,
    /// What the compiler would leave unset between the fields, so that no such byte is sent.
    padding: [u8; 3],
    two: u32,
}

/// Answers a struct with the same struct, one more in each field.
fn serve_struct(parent: &mut Socket) -> Result<()> {
    while expect_packet(parent, size_of::<TestStruct>())? {
        let (mut data, _) = parent.recv_struct::<TestStruct, [RawFd; 0]>()?;
        data.one = data.one.wrapping_add(1);
        data.two = data.two.wrapping_add(1);
        parent.send_struct(&data, None)?;
    }
    Ok(())
}

/// Waits for a packet of that many bytes; false says that the peer has closed.
fn expect_packet(parent: &Socket, expected: usize) -> Result<bool> {
    match next_packet(parent)? {
        None => Ok(false),
        Some(size) if size == expected => Ok(true),
        Some(size) => Err(format!("a packet of {size} bytes, not of {expected}").into()),
    }
}
