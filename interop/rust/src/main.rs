//! A child of tiny-ipc in Rust.
//!
//! Build:  cargo build --release
//! Run:    a parent starts it (`target/release/child`) and names the socket in TINY_IPC_FD.

mod blocks;
mod door;
mod lane;
mod memory;
mod ring;
mod wire;

use std::error::Error;
use std::fmt;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use ciborium::{cbor, Value};
use rustix::fs::{fstat, memfd_create, MemfdFlags};
use rustix::io::pwrite;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use crate::blocks::{file_count, Blocks};
use crate::lane::Lane;
use crate::wire::{Link, Result, LARGEST_PACKET};

const MOST_LANES: usize = 4;
const MOST_IN_BLOCKS: u64 = 64 * 1024 * 1024;

const ERROR_ITEM: u64 = 1230000965;
const ENVELOPE: u64 = 1230000966;
const ELEMENT: u64 = 1230000967;
const END: u64 = 1230000968;
const CANCEL: u64 = 1230000969;
const HELLO: u64 = 1230000970;

/// A body of CBOR's null.
const NULL: &[u8] = &[0xf6];

struct Message {
    body: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    /// True once the parent has cancelled this request, or is gone.
    cancelled: Arc<AtomicBool>,
    /// Nothing is received until this is dropped: it may be through memory then.
    _holds_back: Option<Sender<()>>,
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
    let parent = Link::new(unsafe { OwnedFd::from_raw_fd(number.parse()?) });
    let invited = std::env::var("TINY_IPC_HELLO").is_ok_and(|value| value == "1");
    if invited {
        let mut hello = cbor!({
            "protocol" => 2, "envelope" => true, "cancel" => true, "lanes" => MOST_LANES, "memory" => true,
            "methods" => ["", "echo", "sum", "length", "memory", "fail", "stream", "meet", "total"]
        })?;
        if let (Some(map), limit @ 1..) = (hello.as_map_mut(), most_in_blocks()) {
            map.push(("blocks".into(), limit.into()));
        }
        parent.send(&tagged(HELLO, hello), None)?;
    }
    serve(parent, invited)
}

/// How many bytes a message may have in shared blocks.
fn most_in_blocks() -> u64 {
    let limit = std::env::var("TINY_IPC_BLOCKS").ok().and_then(|bytes| bytes.parse().ok());
    limit.unwrap_or(0).min(MOST_IN_BLOCKS)
}

/// Answers the requests of one socket until it closes.
fn serve(link: Link, invited: bool) -> Result<()> {
    let link = Arc::new(link);
    let (sender, messages) = sync_channel(0);
    let receiving = Arc::clone(&link);
    thread::spawn(move || receive_all(&receiving, invited, sender));
    let mut blocks = Blocks::new(if invited { most_in_blocks() } else { 0 });
    let mut result = Ok(());
    for message in &messages {
        blocks.begin();
        result = message.and_then(|message| serve_one(&link, &mut blocks, message, invited));
        if result.is_err() {
            break;
        }
    }
    link.shut_down(); // so that the other thread ends
    result
}

/// Receives also while a request is being answered: it may be cancelled.
fn receive_all(link: &Link, invited: bool, messages: SyncSender<Result<Message>>) {
    let mut buffer = vec![0; LARGEST_PACKET];
    let mut current = Arc::default();
    loop {
        let (body, descriptors) = match link.receive(&mut buffer) {
            Ok(Some((body, _))) if invited && is_cancel(&body) => {
                cancel(&current);
                continue;
            }
            Ok(Some(received)) => received,
            Ok(None) => break,
            Err(error) => {
                link.shut_down(); // so that nothing is waited for in order to answer
                let _ = messages.send(Err(error));
                break;
            }
        };
        current = Arc::default();
        let (hold, held) = channel();
        let holds_back = (body == NULL).then_some(hold);
        let message = Message { body, descriptors, cancelled: Arc::clone(&current), _holds_back: holds_back };
        if messages.send(Ok(message)).is_err() {
            break;
        }
        let _ = held.recv(); // which fails once the other end is dropped
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

fn is_lane(socket: &OwnedFd) -> bool {
    socket_domain(socket) == Ok(AddressFamily::UNIX) && socket_type(socket) == Ok(SocketType::SEQPACKET)
}

fn serve_one(link: &Link, blocks: &mut Blocks, message: Message, invited: bool) -> Result<()> {
    if invited && message.body == NULL {
        match message.descriptors.as_slice() {
            [socket] | [socket, _] if is_lane(socket) => return open_lane(link, message.descriptors),
            [_] => return share_memory(link, &message.descriptors[0]),
            // Any other null is a request that is not known.
            _ => {}
        }
    }
    let (exchange, request) = match decode(&message.body).and_then(|body| open(link, body, invited)) {
        Ok(opened) => opened,
        Err(error) => return link.send(&failure(error).0, None),
    };
    let Reply(item, descriptor) = answer(&exchange, blocks, &request, &message).unwrap_or_else(failure);
    exchange.send(item, descriptor.as_ref())
}

/// Serves a further socket, perhaps with memory. That it ends, in any way, does not concern the others.
fn open_lane(link: &Link, mut descriptors: Vec<OwnedFd>) -> Result<()> {
    let memory = descriptors.get(1).map(Lane::accept).transpose();
    let lane = Link::new(descriptors.swap_remove(0));
    match memory {
        Ok(Some(memory)) => lane.share(memory),
        Ok(None) => {}
        Err(error) => return link.send(&failure(error).0, None),
    }
    if LANES.fetch_add(1, Ordering::Relaxed) >= MOST_LANES {
        LANES.fetch_sub(1, Ordering::Relaxed);
        return link.send(&failure(format!("{MOST_LANES} lanes are open already").into()).0, None);
    }
    thread::spawn(|| {
        if let Err(error) = serve(lane, true) {
            eprintln!("child: a lane ended: {error}");
        }
        LANES.fetch_sub(1, Ordering::Relaxed);
    });
    link.send(&Value::Null, None)
}

/// Takes memory for this socket. The answer still goes over the socket itself.
fn share_memory(link: &Link, file: &OwnedFd) -> Result<()> {
    let memory = if link.is_shared() { Err("messages go through memory already".into()) } else { Lane::accept(file) };
    match memory {
        Ok(memory) => {
            link.send(&Value::Null, None)?;
            link.share(memory);
            Ok(())
        }
        Err(error) => link.send(&failure(error).0, None),
    }
}

/// Where the answers to one request go: into envelopes if it came in one with a number.
struct Exchange<'a> {
    link: &'a Link,
    id: Option<u64>,
    method: Option<String>,
}

impl Exchange<'_> {
    fn send(&self, item: Value, descriptor: Option<&OwnedFd>) -> Result<()> {
        let item = match self.id {
            Some(id) => tagged(ENVELOPE, Value::Map(vec![("id".into(), id.into()), ("payload".into(), item)])),
            None => item,
        };
        self.link.send(&item, descriptor)
    }
}

/// Takes the request out of its envelope, if the body is one.
fn open(link: &Link, body: Value, invited: bool) -> Result<(Exchange<'_>, Value)> {
    let mut exchange = Exchange { link, id: None, method: None };
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

fn answer(exchange: &Exchange, blocks: &mut Blocks, request: &Value, message: &Message) -> Result<Reply> {
    let value = |key| {
        let (_, value) = request.as_map()?.iter().find(|(name, _)| name.as_text() == Some(key))?;
        Some(value)
    };
    let text = |key| value(key).and_then(Value::as_text);
    let number = |key| value(key).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
    let all = message.descriptors.as_slice();
    let files = if blocks.are_accepted() { &all[..file_count(request, all.len())] } else { all };
    match (exchange.method.as_deref().or_else(|| text("do")), files) {
        (Some("echo"), _) => {
            let payload = value("payload").ok_or("echo: no payload")?;
            Ok(Reply(blocks.resolve(payload, all)?, None))
        }
        (Some("total"), _) => {
            let bytes = value("bytes").ok_or("total: no bytes")?;
            let total = match (blocks.slice(bytes, all)?, bytes.as_bytes()) {
                (Some(slice), _) => slice.total(),
                (None, Some(bytes)) => bytes.iter().map(|byte| u64::from(*byte)).sum(),
                _ => return Err("total: no byte string".into()),
            };
            Ok(Reply(total.into(), None))
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
