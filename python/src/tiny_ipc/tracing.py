"""The traces that requests belong to, for OpenTelemetry, if that is installed.

Nothing else is needed: whatever tracer and propagator the program has configured are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from .errors import Cancelled

try:
    from opentelemetry import context as _context
    from opentelemetry import propagate as _propagate
    from opentelemetry import trace as _trace
except ImportError:
    _trace = None  # type: ignore[assignment]


class Served:
    """What accompanies a request that is served: nothing, without OpenTelemetry."""

    def current(self) -> AbstractContextManager[None]:
        """Makes the span that of the thread or the task, as long as the handler runs in it."""
        return nullcontext()

    def headers(self) -> dict[str, str]:
        """For calls that are made on behalf of the request, in whatever thread."""
        return {}

    def failed(self, error: BaseException, is_cancelled: bool) -> None:
        pass

    def end(self) -> None:
        pass


NOTHING = Served()


class _Span(Served):
    def __init__(self, peer: str, method: str | None, headers: Mapping[str, str]) -> None:
        parent = _propagate.extract(headers)
        name = "ipc.process"
        tracer = _trace.get_tracer("tiny_ipc")
        attributes = {"destination": peer, "method": method or "none"}
        self._span = tracer.start_span(
            f"{name} {method}" if method else name,
            context=parent,
            kind=_trace.SpanKind.SERVER,
            attributes=attributes,
        )
        self._context = _trace.set_span_in_context(self._span, parent)
        self._outcome, self._exception = "SUCCESS", "none"

    @contextmanager
    def current(self) -> Iterator[None]:
        token = _context.attach(self._context)
        try:
            yield
        finally:
            _context.detach(token)

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _propagate.inject(carrier, self._context)
        return carrier

    def failed(self, error: BaseException, is_cancelled: bool) -> None:
        self._outcome = "CANCELLED" if is_cancelled or isinstance(error, Cancelled) else "ERROR"
        self._exception = type(error).__name__
        self._span.record_exception(error)
        self._span.set_status(_trace.Status(_trace.StatusCode.ERROR))

    def end(self) -> None:
        self._span.set_attribute("outcome", self._outcome)
        self._span.set_attribute("exception", self._exception)
        self._span.end()


def serve(peer: str, method: str | None, headers: Mapping[str, str]) -> Served:
    """Begins a span that continues the trace of the headers.

    :param peer: who asks, ``parent`` or ``child``
    """
    return NOTHING if _trace is None else _Span(peer, method, headers)


def current_headers() -> dict[str, str]:
    """The headers of a request that continues the current trace; none if there is no trace."""
    carrier: dict[str, str] = {}
    if _trace is not None and _trace.get_current_span().get_span_context().is_valid:
        _propagate.inject(carrier)
    return carrier
