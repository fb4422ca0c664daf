"""What can go wrong between two processes."""

from __future__ import annotations


class IpcError(Exception):
    """The root of what this package raises."""


class BrokenFrame(IpcError):
    """Nobody can tell any more where the next message begins: the socket is unusable."""


class MalformedBody(IpcError):
    """A body is not one well-formed item, or not the item that is due. The next one may be."""


class MessageTooLarge(IpcError):
    """A message exceeds the limit of one of the two ends. It was not sent, or was dropped."""


class Cancelled(IpcError):
    """Nobody waits for the reply. A handler may raise it to stop."""


class DeadlineExceeded(IpcError):
    """The caller had given up before the handler began."""


class UnknownMethod(IpcError):
    """There is no handler for this method."""


class RemoteError(IpcError):
    """The other end answered with an error: ``type`` and ``message`` are what it says."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(f"{type}: {message}" if message else type)
        self.type = type
        self.message = message


class CallTimeout(IpcError, TimeoutError):
    """There was no reply within the timeout."""


class NoLane(IpcError):
    """All sockets to the other end are in use, or none is left. The request was not sent."""


class PeerGone(IpcError):
    """The other end has closed its socket or has ended: there will be no reply."""


class ProtocolFault(IpcError):
    """The other end sent what it must not send. Its socket was given up."""
