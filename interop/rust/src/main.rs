//! A child of tiny-ipc in Rust.
//!
//! Build:  cargo build --release
//! Run:    a parent starts it (`target/release/child`) and names the socket in TINY_IPC_FD.

use std::error::Error;
use std::fmt;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use ciborium::{cbor, Value};
use rustix::fs::{fstat, memfd_create, MemfdFlags};
use rustix::io::pwrite;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{
    recvmsg, sendmsg, shutdown, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketType,
};

const HEADER: usize = 8;
const PACKET: usize = 64 * 1024;
const LARGEST_PACKET: usize = 512 * 1024;
const LARGEST_BODY: u64 = 16 * 1024 * 1024;
const MOST_DESCRIPTORS: usize = 253;
const MOST_LANES: usize = 4;

const ERROR_ITEM: u64 = 1230000965;
const ENVELOPE: u64 = 1230000966;
const ELEMENT: u64 = 1230000967;
const END: u64 = 1230000968;
const CANCEL: u64 = 1230000969;
const HELLO: u64 = 1230000970;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Message {
    body: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    /// True once the parent has cancelled this request, or is gone.
    cancelled: Arc<AtomicBool>,
}

/// What a request is answered with: an item, and perhaps a descriptor.
struct Reply(Value, Option<OwnedFd>);

/// How many sockets are served.
static LANES: AtomicUsize = AtomicUsize::new(1);

/// Those who wait to meet, on all lanes.
static MEETING: Mutex<Meeting> = Mutex::new(Meeting { waiting: 0, held: 0 });
static MEETING_CHANGED: Condvar = Condvar::new();

struct Meeting {
    waiting: u64,
    held: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("child: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let number = std::env::var("TINY_IPC_FD").map_err(|_| "a parent starts this program")?;
    // SAFETY: the parent handed this descriptor to us alone.
    let parent = unsafe { OwnedFd::from_raw_fd(number.parse()?) };
    let invited = std::env::var("TINY_IPC_HELLO").is_ok_and(|value| value == "1");
    if invited {
        let hello = cbor!({
            "protocol" => 2, "envelope" => true, "cancel" => true, "lanes" => MOST_LANES,
            "methods" => ["", "echo", "sum", "length", "memory", "fail", "stream", "meet"]
        });
        send(&parent, &tagged(HELLO, hello?), None)?;
    }
    serve(parent, invited)
}

/// Answers the requests of one socket until it closes.
fn serve(socket: OwnedFd, invited: bool) -> Result<()> {
    let socket = Arc::new(socket);
    let (sender, messages) = sync_channel(0);
    let receiving = Arc::clone(&socket);
    thread::spawn(move || receive_all(&receiving, invited, sender));
    let mut result = Ok(());
    for message in &messages {
        result = message.and_then(|message| serve_one(&socket, message, invited));
        if result.is_err() {
            break;
        }
    }
    let _ = shutdown(&*socket, Shutdown::Both); // so that the other thread ends
    result
}

/// Receives also while a request is being answered: it may be cancelled.
fn receive_all(socket: &OwnedFd, invited: bool, messages: SyncSender<Result<Message>>) {
    let mut buffer = vec![0; LARGEST_PACKET];
    let mut current = Arc::default();
    loop {
        let received = match receive(socket, &mut buffer) {
            Ok(Some(message)) if invited && is_cancel(&message.body) => {
                cancel(&current);
                continue;
            }
            Ok(Some(message)) => {
                current = Arc::clone(&message.cancelled);
                Ok(message)
            }
            Ok(None) => break,
            Err(error) => Err(error),
        };
        let broken = received.is_err();
        if messages.send(received).is_err() || broken {
            break;
        }
    }
    cancel(&current);
}

fn cancel(request: &AtomicBool) {
    let _meeting = MEETING.lock().unwrap();
    request.store(true, Ordering::Relaxed);
    MEETING_CHANGED.notify_all();
}

fn is_cancel(body: &[u8]) -> bool {
    const LONGEST: usize = 1 + 8 + 1;
    body.len() <= LONGEST && decode(body).is_ok_and(|item| item == tagged(CANCEL, Value::Null))
}

/// Whether a message brings a further socket to be served. Any other null is a request that is not known.
fn is_lane(message: &Message) -> bool {
    message.body == [0xf6]
        && match message.descriptors.as_slice() {
            [socket] => {
                socket_domain(socket) == Ok(AddressFamily::UNIX) && socket_type(socket) == Ok(SocketType::SEQPACKET)
            }
            _ => false,
        }
}

fn serve_one(socket: &OwnedFd, mut message: Message, invited: bool) -> Result<()> {
    if invited && is_lane(&message) {
        let Reply(item, _) = open_lane(message.descriptors.remove(0)).unwrap_or_else(failure);
        return send(socket, &item, None);
    }
    let (exchange, request) = match decode(&message.body).and_then(|body| open(socket, body, invited)) {
        Ok(opened) => opened,
        Err(error) => return send(socket, &failure(error).0, None),
    };
    let Reply(item, descriptor) = answer(&exchange, &request, &message).unwrap_or_else(failure);
    exchange.send(item, descriptor.as_ref())
}

/// Serves a further socket. That it ends, in any way, does not concern the others.
fn open_lane(socket: OwnedFd) -> Result<Reply> {
    if LANES.fetch_add(1, Ordering::Relaxed) >= MOST_LANES {
        LANES.fetch_sub(1, Ordering::Relaxed);
        return Err(format!("{MOST_LANES} lanes are open already").into());
    }
    thread::spawn(|| {
        if let Err(error) = serve(socket, true) {
            eprintln!("child: a lane ended: {error}");
        }
        LANES.fetch_sub(1, Ordering::Relaxed);
    });
    Ok(Reply(Value::Null, None))
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
    Ok(Some(Message { body, descriptors, cancelled: Arc::default() }))
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

/// Where the answers to one request go: into envelopes if it came in one with a number.
struct Exchange<'a> {
    socket: &'a OwnedFd,
    id: Option<u64>,
    method: Option<String>,
}

impl Exchange<'_> {
    fn send(&self, item: Value, descriptor: Option<&OwnedFd>) -> Result<()> {
        let item = match self.id {
            Some(id) => tagged(ENVELOPE, Value::Map(vec![("id".into(), id.into()), ("payload".into(), item)])),
            None => item,
        };
        send(self.socket, &item, descriptor)
    }
}

/// Takes the request out of its envelope, if the body is one.
fn open(socket: &OwnedFd, body: Value, invited: bool) -> Result<(Exchange<'_>, Value)> {
    let mut exchange = Exchange { socket, id: None, method: None };
    let content = match body {
        Value::Tag(ENVELOPE, content) if invited => *content,
        request => return Ok((exchange, request)),
    };
    let mut payload = None;
    for (key, value) in content.into_map().map_err(|_| "an envelope that is no map")? {
        match (key.as_text(), value) {
            (Some("id"), Value::Integer(id)) => exchange.id = Some(u64::try_from(id)?),
            (Some("id"), _) => return Err("an id that is no number".into()),
            (Some("method"), Value::Text(method)) => exchange.method = Some(method),
            (Some("method"), _) => return Err("a method that is no text".into()),
            (Some("headers"), headers) if !are_texts(&headers) => {
                return Err("headers that are no map of texts to texts".into());
            }
            (Some("payload"), value) => payload = Some(value),
            _ => {}
        }
    }
    Ok((exchange, payload.ok_or("an envelope without a payload")?))
}

fn are_texts(item: &Value) -> bool {
    item.as_map().is_some_and(|map| map.iter().all(|(key, value)| key.is_text() && value.is_text()))
}

fn answer(exchange: &Exchange, request: &Value, message: &Message) -> Result<Reply> {
    let value = |key| {
        let (_, value) = request.as_map()?.iter().find(|(name, _)| name.as_text() == Some(key))?;
        Some(value)
    };
    let text = |key| value(key).and_then(Value::as_text);
    let number = |key| value(key).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
    match (exchange.method.as_deref().or_else(|| text("do")), message.descriptors.as_slice()) {
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
        (Some("stream"), _) => {
            let count = number("count").ok_or("stream: no count")?;
            stream(exchange, count, number("failAt"), &message.cancelled)
        }
        (Some("meet"), _) => meet(number("count").ok_or("meet: no count")?, &message.cancelled),
        _ => {
            let what = value("do").unwrap_or(request);
            Err(format!("no request that this child knows: {what:?}").into())
        }
    }
}

/// Sends the elements. The reply is what ends them.
fn stream(exchange: &Exchange, count: u64, fail_at: Option<u64>, cancelled: &AtomicBool) -> Result<Reply> {
    for number in 0..count {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Cancelled.into());
        }
        if fail_at == Some(number) {
            return Err(format!("no element {number}").into());
        }
        exchange.send(tagged(ELEMENT, number.into()), None)?;
    }
    Ok(Reply(tagged(END, Value::Null), None))
}

/// Waits until as many requests have met as there should be.
fn meet(count: u64, cancelled: &AtomicBool) -> Result<Reply> {
    let mut meeting = MEETING.lock().unwrap();
    meeting.waiting += 1;
    if meeting.waiting >= count {
        meeting.waiting = 0;
        meeting.held += 1;
        MEETING_CHANGED.notify_all();
    } else {
        let before = meeting.held;
        while meeting.held == before {
            if cancelled.load(Ordering::Relaxed) {
                meeting.waiting -= 1;
                return Err(Cancelled.into());
            }
            meeting = MEETING_CHANGED.wait(meeting).unwrap();
        }
    }
    Ok(Reply(count.into(), None))
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

fn tagged(tag: u64, content: Value) -> Value {
    Value::Tag(tag, Box::new(content))
}

/// The error item, which a requester never takes for a normal reply.
fn failure(error: Box<dyn Error + Send + Sync>) -> Reply {
    let kind = if error.is::<Cancelled>() { "Cancelled" } else { "Failure" };
    let map = cbor!({ "type" => kind, "message" => error.to_string() });
    Reply(tagged(ERROR_ITEM, map.expect("plain text")), None)
}

#[derive(Debug)]
struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the parent has cancelled the request")
    }
}

impl Error for Cancelled {}
