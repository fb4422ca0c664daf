//! A contender in Rust: the crate tiny-nix-ipc, its SEQPACKET sockets and its CBOR.
//!
//! Run in the folder benchmarks:  target/peers/rust/release/tiny-nix-ipc-contender
//!
//! The child is this program again, with a work, the size of the messages and its socket as arguments. The crate knows
//! no messages beyond one packet, and leaves the size of a packet to the system.

mod order;

use std::error::Error;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, mem};

use tiny_nix_ipc::errors::{Error as IpcError, ErrorKind};
use tiny_nix_ipc::Socket;

use order::Order;

/// For a received object: the crate allocates so much for each, and sets it to zero.
const ROOM: usize = 1024;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A work for which a child runs. Fields are dropped in this order: the child ends once the socket is closed.
struct Session {
    socket: Socket,
    _child: Awaited,
    work: Work,
    request: Vec<u8>,
    reply: Vec<u8>,
    null: File,
    order: Order,
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    RoundTrip,
    OneWay,
    Descriptor,
    Object,
}

struct Awaited(Child);

impl Drop for Awaited {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

impl Session {
    fn start(name: &str, work: Work, size: usize) -> Result<Session> {
        let (socket, mut theirs) = Socket::new_socketpair()?;
        theirs.no_cloexec()?;
        let mut command = Command::new(env::current_exe()?);
        command.args([name, &size.to_string(), &theirs.as_raw_fd().to_string()]);
        let null = File::open("/dev/null")?;
        let _child = Awaited(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        let (request, reply) = ((0..size).map(|i| i as u8).collect(), vec![0; size]);
        drop(theirs);
        let mut session = Session { socket, _child, work, request, reply, null, order: Order::sample() };
        session.check()?;
        Ok(session)
    }

    fn check(&mut self) -> Result<()> {
        match self.work {
            Work::OneWay => return self.finish(0).map(drop),
            Work::Object => return expect(self.exchange()? == self.order),
            _ => self.operate()?,
        }
        expect(self.reply == self.request)
    }

    fn operate(&mut self) -> Result<()> {
        if self.work == Work::Object {
            return self.exchange().map(drop);
        }
        let descriptor = [self.null.as_raw_fd()];
        self.socket.send_slice(&self.request, (self.work == Work::Descriptor).then_some(&descriptor))?;
        if self.work == Work::OneWay {
            return Ok(());
        }
        let (size, _) = self.socket.recv_into_slice::<[RawFd; 0]>(&mut self.reply)?;
        expect(size == self.reply.len())
    }

    fn exchange(&mut self) -> Result<Order> {
        self.socket.send_cbor(&self.order, None)?;
        Ok(self.socket.recv_cbor::<Order, [RawFd; 0]>(ROOM)?.0)
    }

    fn run(&mut self, duration: Duration) -> Result<String> {
        let (start, mut operations) = (Instant::now(), 0);
        while operations == 0 || start.elapsed() < duration {
            self.operate()?;
            operations += 1;
        }
        if self.work == Work::OneWay {
            operations = self.finish(operations)?;
        }
        Ok(format!("result {operations} {}", start.elapsed().as_nanos()))
    }

    /// Sends the last message of a turn, and returns how many it had.
    fn finish(&mut self, operations: u64) -> Result<u64> {
        self.request[0] = 1;
        self.operate()?;
        self.request[0] = 0;
        let mut count = [0; 8];
        self.socket.recv_into_slice::<[RawFd; 0]>(&mut count)?;
        expect(u64::from_ne_bytes(count) == operations + 1)?;
        Ok(operations + 1)
    }
}

fn expect(right: bool) -> Result<()> {
    right.then_some(()).ok_or("the other end said something else".into())
}

/// The child. That the parent has closed its end shows as a message of no bytes, for CBOR as one of a wrong length.
fn serve_parent(name: &str, mut parent: Socket, size: usize) -> Result<()> {
    while name == "object" {
        match parent.recv_cbor::<Order, [RawFd; 0]>(ROOM) {
            Ok((order, _)) => parent.send_cbor(&order, None)?,
            Err(IpcError(ErrorKind::WrongRecvLength, _)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
    }
    let (mut message, mut count) = (vec![0; size], 0u64);
    loop {
        let (size, fds) = parent.recv_into_slice::<[RawFd; 1]>(&mut message)?;
        if size == 0 {
            return Ok(());
        }
        expect(fds.is_some() == (name == "descriptor"))?;
        // SAFETY: it was sent to us, and nobody else knows it.
        drop(fds.map(|[fd]| unsafe { OwnedFd::from_raw_fd(fd) }));
        count += 1;
        if name != "oneway" {
            parent.send_slice(&message[..size], None)?;
        } else if message[0] == 1 {
            parent.send_slice(&mem::take(&mut count).to_ne_bytes(), None)?;
        }
    }
}

fn answer(words: &[&str], session: &mut Option<Session>) -> Result<String> {
    if let (["run", milliseconds], Some(session)) = (words, session.as_mut()) {
        return session.run(Duration::from_millis(milliseconds.parse()?));
    }
    *session = None;
    let (name, work, size) = match *words {
        ["done"] => return Ok("ok".into()),
        ["prepare", name @ "roundtrip", size] => (name, Work::RoundTrip, size.parse()?),
        ["prepare", name @ "oneway", size] => (name, Work::OneWay, size.parse()?),
        ["prepare", name @ "descriptor"] => (name, Work::Descriptor, 64),
        ["prepare", name @ "object"] => (name, Work::Object, 0),
        ["prepare", "objects"] => return Ok("cannot a message is one packet, and the list is larger".into()),
        ["prepare", ..] => return Ok("cannot no batches, no pool, one socket to a child, which is in Rust".into()),
        _ => return Err("nothing is prepared".into()),
    };
    *session = match Session::start(name, work, size) {
        Err(error) if is_too_large(&*error) => return Ok("cannot a message is one packet, and this is larger".into()),
        started => Some(started?),
    };
    Ok("ready".into())
}

/// Whether the kernel found that a packet does not fit the socket's buffer.
fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    let Some(IpcError(ErrorKind::Nix(error), _)) = error.downcast_ref() else { return false };
    error.as_errno().is_some_and(|number| number as i32 == libc::EMSGSIZE)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [name, size, fd] = &arguments[..] {
        // SAFETY: the parent handed this descriptor to us alone.
        return serve_parent(name, unsafe { Socket::from_raw_fd(fd.parse()?) }, size.parse()?);
    }
    let mut session = None;
    for line in io::stdin().lines() {
        match *line?.split(' ').collect::<Vec<_>>() {
            ["quit"] => break,
            ref words => println!("{}", answer(words, &mut session).unwrap_or_else(|error| format!("failed {error}"))),
        }
    }
    Ok(())
}
