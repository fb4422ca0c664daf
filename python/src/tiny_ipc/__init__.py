"""A Python program beside a Spring application, or any other parent: requests and replies in
CBOR over a Unix socket, with open files and shared memory. See docs/wire-format.md."""

from .app import App
from .calls import Message, Parent, Stream
from .child import Child
from .errors import (
    BrokenFrame,
    CallTimeout,
    Cancelled,
    DeadlineExceeded,
    IpcError,
    MalformedBody,
    MessageTooLarge,
    NoLane,
    PeerGone,
    ProtocolFault,
    RemoteError,
    UnknownMethod,
)
from .files import File, Files, Memory, memory
from .handlers import Handlers, Reply, Request
from .messages import Hello

__all__ = [
    "App",
    "BrokenFrame",
    "CallTimeout",
    "Cancelled",
    "Child",
    "DeadlineExceeded",
    "File",
    "Files",
    "Handlers",
    "Hello",
    "IpcError",
    "MalformedBody",
    "Memory",
    "Message",
    "MessageTooLarge",
    "NoLane",
    "Parent",
    "PeerGone",
    "ProtocolFault",
    "RemoteError",
    "Reply",
    "Request",
    "Stream",
    "UnknownMethod",
    "memory",
]
