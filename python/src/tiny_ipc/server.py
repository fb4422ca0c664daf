"""The end that answers: one thread reads all sockets, and workers take the exchanges."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .blocks import Blocks
from .errors import BrokenFrame, NoLane
from .exchange import Exchange
from .frames import EndOfSocket, Frame, FrameSocket
from .gathering import LONGEST_DELAY
from .handlers import Handlers
from .messages import elements_read, is_cancel

if TYPE_CHECKING:
    from .calls import Parent

logger = logging.getLogger("tiny_ipc")

MOST_WAITING = 2
"""Whole messages behind the one that is being served; more stay in the socket."""

_PACKETS_AT_ONCE = 64


class Lane:
    """One socket whose requests are served, one after the other."""

    def __init__(self, server: Server, sock: FrameSocket, is_first: bool) -> None:
        self.socket = sock
        self.is_first = is_first
        self._server = server
        self._lock = threading.RLock()
        self._current: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._registered = False
        self._paused = False
        self._ended = False
        self.blocks = Blocks(server.blocks_size) if server.blocks_size else None

    def begin(self) -> None:
        with self._lock:
            self._server.epoll.register(self.socket.fileno(), select.EPOLLIN)
            self._registered = True

    def on_ready(self, events: int) -> None:
        """Receives what is there. Only the thread that reads calls this."""
        with self._lock:
            for _ in range(_PACKETS_AT_ONCE):
                if self._ended:
                    return
                if self._paused:
                    if events & (select.EPOLLHUP | select.EPOLLERR):
                        self._hang_up()
                    return
                try:
                    frame = self.socket.pull()
                except BlockingIOError:
                    return
                except EndOfSocket:
                    self._end(None)
                    return
                except (BrokenFrame, OSError) as error:
                    self._end(error)
                    return
                if frame is not None:
                    self._deliver(frame)
                    return  # if there is more, epoll says so again

    def _deliver(self, frame: Frame) -> None:
        due = self._waiting[-1] if self._waiting else self._current
        if self._server.takes_cancels and not frame.dropped and is_cancel(frame.body):
            frame.close()
            if due is not None:
                due.cancel()
            return
        read = elements_read(frame.body) if self.blocks is not None else None
        if read is not None:
            frame.close()
            if due is not None and not frame.dropped:
                due.elements_are_read(read)
            return
        exchange = Exchange(self._server, self, frame)
        if self._current is None:
            self._current = exchange
            self._server.submit(exchange)
            return
        self._waiting.append(exchange)
        if len(self._waiting) >= MOST_WAITING:
            self._paused = True
            self._server.epoll.modify(self.socket.fileno(), 0)

    def done(self) -> None:
        """Goes on with the next request, once the current one is answered."""
        with self._lock:
            self._current = self._waiting.popleft() if self._waiting else None
            if self._current is not None:
                self._server.submit(self._current)
            elif self._ended:
                self._close()
            if self._paused and not self._ended:
                self._paused = False
                if self._registered:
                    self._server.epoll.modify(self.socket.fileno(), select.EPOLLIN)
                else:
                    self.begin()

    def _hang_up(self) -> None:
        """The peer is gone, but there is still something to receive."""
        self._unregister()
        self._nobody_waits()

    def _end(self, error: Exception | None) -> None:
        self._ended = True
        self._unregister()
        self._nobody_waits()
        if error is not None:
            self.socket.shutdown()
            while self._waiting:
                self._waiting.pop().drop()
        if self._current is None:
            self._close()
        self._server.lane_ended(self, error)

    def _nobody_waits(self) -> None:
        for exchange in (self._current, *self._waiting):
            if exchange is not None:
                exchange.peer_gone(cancel=not self.is_first)

    def _unregister(self) -> None:
        if self._registered:
            self._registered = False
            self._server.epoll.unregister(self.socket.fileno())

    def stop(self) -> None:
        """Gives up what is not answered."""
        with self._lock:
            if not self._ended:
                self._ended = True
                self._unregister()
                self.socket.shutdown()
            while self._waiting:
                self._waiting.pop().drop()
            if self._current is not None:
                self._current.cancel()
                self.socket.shutdown()
            else:
                self._close()

    def _close(self) -> None:
        self.socket.close()
        if self.blocks is not None:
            self.blocks.close()


class Server:
    """Serves any number of sockets.

    :param workers: how many exchanges run at a time
    :param max_lanes: how many sockets a peer may have; 1 if it must not open any
    :param blocks_size: how many bytes of a message may be in blocks of shared memory
    :param first_ended: called once the first socket has ended, with what broke it, if anything
    """

    def __init__(
        self,
        handlers: Handlers,
        *,
        workers: int,
        max_lanes: int = 1,
        blocks_size: int = 0,
        takes_cancels: bool = True,
        names_methods: bool = True,
        parent: Callable[[Mapping[str, str], float | None], Parent] | None = None,
        first_ended: Callable[[Exception | None], None] = lambda error: None,
    ) -> None:
        self.handlers = handlers
        self.max_lanes = max_lanes
        self.blocks_size = blocks_size
        self.takes_cancels = takes_cancels
        self.names_methods = names_methods
        self.parent = parent
        self.epoll = select.epoll()
        self._first_ended = first_ended
        self._lanes: dict[int, Lane] = {}
        self._lock = threading.Lock()
        self._exchange_done = threading.Condition(self._lock)
        self._active: set[Exchange] = set()
        self._queue: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._idle_workers = 0
        self._workers = 0
        self._max_workers = workers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._gathering = False
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC)
        self.epoll.register(self._wake, select.EPOLLIN)
        self._reader = threading.Thread(target=self._read, name="tiny-ipc-reader", daemon=True)
        self._reader.start()

    def add(self, sock: FrameSocket, is_first: bool = False) -> None:
        """Takes a socket over. Raises NoLane, and closes it, if there are too many."""
        lane = Lane(self, sock, is_first)
        with self._lock:
            if self._stopping or len(self._lanes) >= self.max_lanes:
                sock.close()
                raise NoLane(f"This process serves at most {self.max_lanes} lanes")
            self._lanes[sock.fileno()] = lane
        lane.begin()

    def _read(self) -> None:
        try:
            self._read_all()
        except Exception as error:
            logger.critical("Nothing can be received any more", exc_info=error)
            self._first_ended(error)

    def _read_all(self) -> None:
        while not self._stopping:
            gathering = self._gathering
            for descriptor, events in self.epoll.poll(LONGEST_DELAY if gathering else None):
                lane = self._lanes.get(descriptor)
                if lane is not None:
                    lane.on_ready(events)
                elif descriptor == self._wake:
                    os.read(self._wake, select.PIPE_BUF)
            if gathering:
                self._send_left_waiting()

    def gathering(self) -> None:
        """Has the thread that reads look after elements that wait for more."""
        if not self._gathering:
            self._gathering = True
            os.write(self._waker, b"\0")

    def _send_left_waiting(self) -> None:
        self._gathering = False
        with self._lock:
            exchanges = list(self._active)
        for exchange in exchanges:
            if exchange.send_left_waiting():
                self._gathering = True  # also if it began just now

    def lane_ended(self, lane: Lane, error: Exception | None) -> None:
        with self._lock:
            for descriptor, other in list(self._lanes.items()):
                if other is lane:
                    del self._lanes[descriptor]
        if error is not None:
            logger.warning("A socket was given up: %s", error)
        if lane.is_first:
            self._first_ended(error)

    def submit(self, exchange: Exchange) -> None:
        """Lets a worker run an exchange, or go on with one that began elsewhere."""
        with self._lock:
            self._active.add(exchange)
            if self._idle_workers:
                self._idle_workers -= 1
            elif self._workers < self._max_workers:
                self._workers += 1
                threading.Thread(
                    target=self._work, name=f"tiny-ipc-{self._workers}", daemon=True
                ).start()
        self._queue.put(exchange)

    def _work(self) -> None:
        while True:
            exchange = self._queue.get()
            if exchange is None:
                return
            try:
                exchange.run()
            except BaseException as error:  # of this package, or a worker would be lost with it
                exchange.abandon(error)
            del exchange  # and what its handler made
            with self._lock:
                self._idle_workers += 1

    def finished(self, exchange: Exchange) -> None:
        with self._lock:
            self._active.discard(exchange)
            self._exchange_done.notify_all()

    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of async handlers, which starts with the first one."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._run_loop, args=(self._loop,), name="tiny-ipc-async", daemon=True
                ).start()
            return self._loop

    @staticmethod
    def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def drain(self, timeout: float) -> bool:
        """Waits until nothing is being served, and returns whether that is so."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while self._active:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._exchange_done.wait(left)
            return True

    def close(self) -> None:
        """Gives up what is still being served, and ends the threads as soon as they are free."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            lanes = list(self._lanes.values())
            self._lanes.clear()
            workers, loop = self._workers, self._loop
        os.write(self._waker, b"\0")
        self._reader.join()
        for lane in lanes:
            lane.stop()
        with self._lock:
            active = list(self._active)
        for exchange in active:
            exchange.cancel()
        self.drain(1)
        for _ in range(workers):
            self._queue.put(None)
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
        self.epoll.close()
        os.close(self._wake)
        os.close(self._waker)
