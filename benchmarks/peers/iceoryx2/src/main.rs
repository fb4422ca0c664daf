//! A contender in Rust: iceoryx2, whose messages are in shared memory.
//!
//! Run in the folder benchmarks:  target/peers/iceoryx2/release/iceoryx2-contender
//!
//! The child is this program again, with the name of the services as its argument. Both ends ask for messages without a
//! break. It does one work: round trips of 64 bytes.

use std::error::Error;
use std::hint::spin_loop;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, io, process, thread};

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

type Bytes = [u8; 64];
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One end: what it sends to, and what it receives from.
struct End {
    outgoing: Publisher<ipc::Service, Bytes, ()>,
    incoming: Subscriber<ipc::Service, Bytes, ()>,
    _node: Node<ipc::Service>,
}

impl End {
    fn open(name: &str, outgoing: &str, incoming: &str) -> Result<End> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().create::<ipc::Service>()?;
        let service = |direction: &str| -> Result<_> {
            let name = format!("{name}/{direction}");
            Ok(node.service_builder(&name.as_str().try_into()?).publish_subscribe::<Bytes>().open_or_create()?)
        };
        let outgoing = service(outgoing)?.publisher_builder().create()?;
        let incoming = service(incoming)?.subscriber_builder().create()?;
        Ok(End { outgoing, incoming, _node: node })
    }

    fn send(&self, bytes: Bytes) -> Result<()> {
        self.outgoing.loan_uninit()?.write_payload(bytes).send()?;
        Ok(())
    }

    fn receive(&self) -> Result<Option<Bytes>> {
        Ok(self.incoming.receive()?.map(|sample| *sample))
    }

    fn exchange(&self, bytes: Bytes) -> Result<Bytes> {
        self.send(bytes)?;
        loop {
            if let Some(reply) = self.receive()? {
                return Ok(reply);
            }
            spin_loop();
        }
    }
}

struct Session {
    end: End,
    child: Child,
}

/// After this time without a message, the child leaves the processor to those whose turn it is.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long it then sleeps between two looks.
const NAP: Duration = Duration::from_millis(1);

impl Session {
    fn start() -> Result<Session> {
        let name = format!("tiny-ipc-benchmark-{}", process::id());
        let end = End::open(&name, "request", "reply")?;
        let child = Command::new(env::current_exe()?).arg(&name).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let session = Session { end, child };
        // A message is lost if nobody has subscribed yet.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            session.end.send([7; 64])?;
            thread::sleep(Duration::from_millis(20));
            match session.end.receive()? {
                Some(reply) if reply == [7; 64] => break,
                Some(_) => return Err("something else came back".into()),
                None if Instant::now() > deadline => return Err("no answer came".into()),
                None => (),
            }
        }
        thread::sleep(Duration::from_millis(20));
        while session.end.receive()?.is_some() {}
        Ok(session)
    }

    fn run(&self, duration: Duration) -> Result<String> {
        let (start, mut operations) = (Instant::now(), 0);
        while operations == 0 || start.elapsed() < duration {
            self.end.exchange([7; 64])?;
            operations += 1;
        }
        Ok(format!("result {operations} {}", start.elapsed().as_nanos()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The child. It ends when its input does.
fn serve(name: &str) -> Result<()> {
    static ENDED: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        ENDED.store(true, Ordering::Relaxed);
    });
    let end = End::open(name, "reply", "request")?;
    let (mut turns, mut last) = (0u32, Instant::now());
    let mut idle = false;
    while !ENDED.load(Ordering::Relaxed) {
        match end.receive()? {
            Some(bytes) => {
                end.send(bytes)?;
                (turns, idle) = (0, false);
            }
            None if idle => thread::sleep(NAP),
            None => {
                // The clock is not asked while messages come.
                turns += 1;
                if turns == 10_000 {
                    last = Instant::now();
                }
                idle = turns > 10_000 && turns % 10_000 == 0 && last.elapsed() > PATIENCE;
                spin_loop();
            }
        }
    }
    Ok(())
}

fn answer(words: &[&str], session: &mut Option<Session>) -> Result<String> {
    if let (["run", milliseconds], Some(session)) = (words, session.as_ref()) {
        return session.run(Duration::from_millis(milliseconds.parse()?));
    }
    *session = None;
    match *words {
        ["done"] => Ok("ok".into()),
        ["prepare", "roundtrip", "64"] => {
            *session = Some(Session::start()?);
            Ok("ready".into())
        }
        ["prepare", ..] => Ok("cannot round trips of 64 bytes only".into()),
        _ => Err("nothing is prepared".into()),
    }
}

fn main() -> Result<()> {
    if let Some(name) = env::args().nth(1) {
        return serve(&name);
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
