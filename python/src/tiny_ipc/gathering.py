"""Small elements of a stream that are sent together, to a peer that takes them so.

A message for each costs both ends more than all the rest. An element waits for the next one only
if its handler has hardly taken any time for it, and never long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from . import cbor, messages
from .errors import IpcError
from .handlers import Reply

USUAL_SIZE = 32 * 1024
"""How many bytes of elements are worth a message."""

LONGEST_DELAY = 0.001
"""Seconds. The thread that reads sends what the handler leaves waiting for longer."""

_SOON = 0.0001
"""Seconds. An element that took longer to come has to wait for no other."""

_WORTHWHILE = 8
"""A message is for at least so many elements."""


def wanted_size(headers: Mapping[str, str]) -> int:
    """The largest message with several elements that a request asks for, in bytes, or 0."""
    size = headers.get(messages.ELEMENTS_HEADER, "")
    is_number = size.isascii() and size.isdecimal() and len(size) < 10
    return min(int(size), USUAL_SIZE) if is_number else 0


_ALONE = (Reply, bytes, bytearray, memoryview)
"""What may have files, or may be copied once too often."""


class Gathering:
    """The elements of one streamed reply on their way to the peer.

    :param largest: the largest body, in bytes, which must fit into one packet
    """

    def __init__(self, exchange: Any, largest: int) -> None:
        self._exchange = exchange
        self._largest = largest
        self._small = largest // _WORTHWHILE
        self._lock = threading.Lock()
        self._items: list[bytes] = []
        self._size = 0
        self._since = 0.0
        """When the first of them came; 0 if there are none to look after."""
        self._last_return = 0.0

    def send(self, element: Any) -> None:
        """Sends an element, now or soon."""
        came = time.monotonic()
        try:
            if isinstance(element, _ALONE) or self._exchange.is_for_blocks(element):
                self.flush()
                self._exchange.send_alone(element)
                return
            item = cbor.encode(element)
            if came - self._last_return < _SOON and len(item) <= self._small:
                self._gather(item, came)
            else:
                self.flush()
                self._exchange.send_item(messages.ELEMENT_HEAD, item)
        finally:
            self._last_return = time.monotonic()

    def _gather(self, item: bytes, now: float) -> None:
        with self._lock:
            if self._size + len(item) > self._largest or (
                self._items and now - self._since >= LONGEST_DELAY
            ):
                self._flush()
            first = not self._items
            self._items.append(item)
            self._size += len(item)
            if first:
                self._since = now
        if first:
            self._exchange.gathering()

    def flush(self) -> None:
        """Sends what is still here, before anything else is sent."""
        with self._lock:
            self._flush()

    def drop(self) -> None:
        """Nobody wants what is still here. Without this, it could be sent behind the end."""
        with self._lock:
            self._forget()

    def _flush(self) -> None:
        self._since = 0.0
        if self._items:
            self._exchange.send_item(messages.ELEMENTS_HEAD, self._body())
            self._forget()

    def _body(self) -> bytes:
        return b"".join((cbor.head(cbor.ARRAY, len(self._items)), *self._items))

    def _forget(self) -> None:
        self._items.clear()
        self._size = 0
        self._since = 0.0

    def send_left_waiting(self) -> bool:
        """Sends what the handler has left waiting, without waiting for anything, and returns
        whether that must be looked at again."""
        if not self._since:
            return False
        if not self._lock.acquire(blocking=False):
            return True  # the handler adds another one
        try:
            if self._since and time.monotonic() - self._since >= LONGEST_DELAY:
                self._exchange.send_item(messages.ELEMENTS_HEAD, self._body(), wait=False)
                self._forget()
            return self._since != 0
        except BlockingIOError:
            return True  # there is no room yet
        except IpcError:
            return False  # the handler will be told
        finally:
            self._lock.release()
