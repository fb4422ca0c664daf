"""What an application writes: handlers of requests, which return replies."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Cancelled, UnknownMethod
from .files import Files, Sendable

if TYPE_CHECKING:
    from .calls import Parent

F = TypeVar("F", bound=Callable[["Request"], Any])

DEADLINE_HEADER = "deadline-ms"


class Request:
    """What a handler is called with."""

    def __init__(
        self,
        payload: Any,
        files: Files,
        method: str | None,
        headers: Mapping[str, str],
        received_at: float,
        is_cancelled: Callable[[], bool],
        parent: Callable[[Mapping[str, str], float | None], Parent] | None,
    ) -> None:
        self.payload = payload
        self.files = files
        """What came along. It is closed after the handler, see File."""
        self.method = method
        """``None`` if the request names none."""
        self.headers = headers
        self._ends_at = _ends_at(headers, received_at)
        self._is_cancelled = is_cancelled
        self._parent = parent

    @property
    def deadline(self) -> float | None:
        """How long the caller will still wait, in seconds, not less than 0; ``None`` if it does
        not say."""
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the reply."""
        return self._is_cancelled()

    def check_cancelled(self) -> None:
        """Raises Cancelled if nobody waits for the reply."""
        if self.cancelled:
            raise Cancelled("The request was cancelled")

    @property
    def parent(self) -> Parent:
        """Calls to the parent on behalf of this request: they end with its deadline, and carry its
        trace headers."""
        if self._parent is None:
            raise UnknownMethod("There is no parent to call: this request came from a child")
        return self._parent(self.headers, self._ends_at)


def _ends_at(headers: Mapping[str, str], received_at: float) -> float | None:
    value = headers.get(DEADLINE_HEADER, "")
    if not (value.isascii() and value.isdigit()) or len(value) > 15:
        return None
    return received_at + int(value) / 1000


class Reply:
    """A reply, or an element of a streamed one, with files.

    The files are closed once it was sent or could not be, unless ``close=False``.
    """

    def __init__(self, value: Any, files: Sequence[Sendable] = (), close: bool = True) -> None:
        self.value = value
        self.files = tuple(files)
        self.close = close


class Handlers:
    """Handlers by the methods of the requests that they answer."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Request], Any]] = {}

    def handler(self, method: str = "") -> Callable[[F], F]:
        """Makes a function the handler of a method, or of requests without a method.

        A generator, or what returns an iterator, streams its reply. ``async def`` runs in an
        event loop of its own; other functions run in threads.
        """
        if callable(method):
            raise TypeError("Write @app.handler() with parentheses")
        if method in self._handlers:
            raise ValueError(f"The method {method!r} has a handler already")

        def register(function: F) -> F:
            self._handlers[method] = function
            return function

        return register

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(sorted(self._handlers))

    def find(self, method: str | None, only_one_matches: bool) -> Callable[[Request], Any]:
        """Returns the handler of a method.

        If the peer cannot name methods, the only handler answers its requests.
        """
        handler = self._handlers.get(method or "")
        if handler is None and method is None and only_one_matches and len(self._handlers) == 1:
            handler = next(iter(self._handlers.values()))
        if handler is None:
            what = f"the method {method!r}" if method else "requests without a method"
            known = ", ".join(map(repr, self.methods)) or "none"
            raise UnknownMethod(f"There is no handler for {what}; there are handlers for: {known}")
        return handler


def is_stream(result: Any) -> bool:
    return hasattr(result, "__next__")


def is_async_stream(result: Any) -> bool:
    return hasattr(result, "__anext__")


def is_awaitable(result: Any) -> bool:
    return inspect.isawaitable(result)
