//! The other direction: a program written with tiny-nix-ipc starts a child of tiny-ipc and asks it for something.
//!
//! Build:  cargo build --release
//! Run:    target/release/parent COMMAND [ARGUMENT...]

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::process::{exit, Command};

use serde::Serialize;
use serde_cbor::Value;
use tiny_nix_ipc::Socket;

const LARGEST_PACKET: usize = 512 * 1024;
const ERROR_ITEM: u64 = 1230000965;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request<'a> {
    Echo { payload: Value },
    Sum { numbers: &'a [i64] },
    Length,
    Memory { text: &'a str },
    Fail { message: &'a str },
}

fn main() {
    if let Err(error) = run() {
        eprintln!("parent: {error}");
        exit(1);
    }
}

fn run() -> Result<()> {
    let mut command = env::args().skip(1);
    let program = command.next().ok_or("no command")?;
    let (mut ours, mut theirs) = Socket::new_socketpair()?;
    theirs.no_cloexec()?;
    let mut child = Command::new(program).args(command).env("TINY_IPC_FD", theirs.as_raw_fd().to_string()).spawn()?;
    drop(theirs);
    talk(&mut ours)?;
    drop(ours);
    expect(child.wait()?.code(), Some(0))?;
    println!("ok close");
    Ok(())
}

fn talk(child: &mut Socket) -> Result<()> {
    let numbers = Value::Array([1, 2, 3].map(Value::Integer).into());
    let payload = Value::Map([(Value::Text("a".to_owned()), numbers)].into());
    child.send_cbor(&Request::Echo { payload: payload.clone() }, None)?;
    expect(child.recv_cbor::<Value, [RawFd; 0]>(LARGEST_PACKET)?.0, payload)?;
    println!("ok echo");

    child.send_cbor(&Request::Sum { numbers: &[1, 2, 39] }, None)?;
    expect(child.recv_cbor::<i64, [RawFd; 0]>(LARGEST_PACKET)?.0, 42)?;
    println!("ok sum");

    let file = File::open(env::current_exe()?)?;
    child.send_cbor(&Request::Length, Some(&[file.as_raw_fd()]))?;
    expect(child.recv_cbor::<u64, [RawFd; 0]>(LARGEST_PACKET)?.0, file.metadata()?.len())?;
    println!("ok length");

    let text = "naïve text";
    child.send_cbor(&Request::Memory { text }, None)?;
    let (length, descriptors) = child.recv_cbor::<usize, [RawFd; 1]>(LARGEST_PACKET)?;
    let [descriptor] = descriptors.ok_or("no memory came")?;
    let mut read = String::new();
    // SAFETY: it was sent to us, and nobody else knows it.
    unsafe { File::from_raw_fd(descriptor) }.read_to_string(&mut read)?;
    expect((length, read.as_str()), (text.len(), text))?;
    println!("ok memory");

    child.send_cbor(&Request::Fail { message: "on purpose" }, None)?;
    match child.recv_cbor::<Value, [RawFd; 0]>(LARGEST_PACKET)?.0 {
        Value::Tag(ERROR_ITEM, error) => {
            let Value::Map(error) = *error else {
                return Err("an error item without a map".into());
            };
            let message = error.get(&Value::Text("message".to_owned()));
            expect(message, Some(&Value::Text("on purpose".to_owned())))?;
        }
        reply => return Err(format!("fail answered {reply:?}").into()),
    }
    println!("ok fail");
    Ok(())
}

fn expect<T: PartialEq + std::fmt::Debug>(actual: T, expected: T) -> Result<()> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, but was {actual:?}").into())
}
