"""Traces of OpenTelemetry, if it is there."""

import json

import pytest

from conftest import eventually
from raw import CANCEL, ELEMENT, END, ERROR_ITEM, answer, envelope, next_call, refuse_lanes, tagged

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{ABOVE}-01", "baggage": "user=anna"}

SPANS = """
import json, os
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

class ToFile(SpanExporter):
    def export(self, spans):
        with open(os.environ["SPANS"], "a") as file:
            for span in spans:
                file.write(json.dumps({
                    "name": span.name,
                    "kind": span.kind.name,
                    "trace": format(span.context.trace_id, "032x"),
                    "id": format(span.context.span_id, "016x"),
                    "parent": format(span.parent.span_id, "016x") if span.parent else None,
                    "status": span.status.status_code.name,
                    "attributes": dict(span.attributes),
                    "events": [event.name for event in span.events],
                }) + "\\n")
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ToFile()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("test")

def inner(name="inner"):
    with tracer.start_as_current_span(name):
        return baggage.get_baggage("user")
"""

HANDLERS = """
import asyncio, threading
from tiny_ipc import App

app = App(concurrency=2)

@app.handler("work")
def work(request):
    return inner()

@app.handler("work-async")
async def work_async(request):
    await asyncio.sleep(0)
    return inner()

@app.handler("numbers")
def numbers(request):
    for number in range(request.payload):
        inner(f"number {number}")
        yield number

@app.handler("numbers-async")
async def numbers_async(request):
    for number in range(request.payload):
        await asyncio.sleep(0)
        inner(f"number {number}")
        yield number

@app.handler("fail")
def fail(request):
    raise ValueError("on purpose")

@app.handler("hang")
async def hang(request):
    await asyncio.sleep(1000)

@app.handler("font")
def font(request):
    return request.parent.call("font")

@app.handler("font-elsewhere")
def font_elsewhere(request):
    fonts = []
    parent = request.parent
    thread = threading.Thread(target=lambda: fonts.append(parent.call("font")))
    thread.start()
    thread.join()
    return fonts[0]

@app.handler("font-async")
async def font_async(request):
    return await asyncio.to_thread(request.parent.call, "font")

app.run()
"""


@pytest.fixture
def spans(tmp_path):
    """Waits for a number of spans that have ended, and returns them by name."""
    file = tmp_path / "spans"

    def spans(count):
        def ended():
            return file.read_text().splitlines() if file.exists() else []

        eventually(lambda: len(ended()) >= count)
        found = [json.loads(line) for line in ended()]
        assert len(found) == count
        return {span["name"]: span for span in found}

    spans.file = file
    return spans


@pytest.fixture
def parent(start, spans):
    parent = start(SPANS + HANDLERS, SPANS=str(spans.file))
    parent.hello()
    return parent


def ask(parent, method, payload=None):
    parent.send(envelope(payload, method=method, headers=HEADERS))


def elements(parent):
    found = []
    while (item := parent.receive()).tag != END:
        assert item.tag == ELEMENT
        found.append(item.value)
    return found


def fails(parent):
    return parent.receive().tag == ERROR_ITEM


@pytest.mark.parametrize("method", ["work", "work-async"])
def test_a_handler_runs_within_a_span_that_continues_the_trace(parent, spans, method):
    ask(parent, method)
    assert parent.receive() == "anna"
    found = spans(2)
    process, inner = found[f"ipc.process {method}"], found["inner"]
    assert (process["trace"], process["parent"], process["kind"]) == (TRACE, ABOVE, "SERVER")
    assert (inner["trace"], inner["parent"]) == (TRACE, process["id"])
    assert process["attributes"] == {
        "destination": "parent",
        "method": method,
        "outcome": "SUCCESS",
        "exception": "none",
    }


def test_a_request_without_a_trace_begins_one(parent, spans):
    parent.send(envelope(None, method="work"))
    assert parent.receive() is None
    found = spans(2)
    process = found["ipc.process work"]
    assert process["parent"] is None
    assert found["inner"]["parent"] == process["id"]


@pytest.mark.parametrize("method", ["numbers", "numbers-async"])
def test_a_stream_is_within_the_span_which_ends_with_it(parent, spans, method):
    ask(parent, method, 2)
    assert elements(parent) == [0, 1]
    found = spans(3)
    process = found[f"ipc.process {method}"]
    assert found["number 0"]["parent"] == found["number 1"]["parent"] == process["id"]
    assert process["attributes"]["outcome"] == "SUCCESS"


def test_a_handler_that_fails_is_an_error(parent, spans):
    ask(parent, "fail")
    assert fails(parent)
    process = spans(1)["ipc.process fail"]
    assert process["status"] == "ERROR"
    assert process["events"] == ["exception"]
    assert process["attributes"]["outcome"] == "ERROR"
    assert process["attributes"]["exception"] == "ValueError"


def test_a_request_that_is_cancelled_is_an_error_too(parent, spans):
    ask(parent, "hang")
    parent.send(tagged(CANCEL, None))
    assert fails(parent)
    process = spans(1)["ipc.process hang"]
    assert process["status"] == "ERROR"
    assert process["attributes"]["outcome"] == "CANCELLED"


@pytest.mark.parametrize("method", ["font", "font-elsewhere", "font-async"])
def test_a_call_to_the_parent_is_below_the_span_of_the_request(parent, spans, method):
    ask(parent, method)
    refuse_lanes(parent.calls)
    number, call = next_call(parent.calls)
    answer(parent.calls, number, "ttf")
    assert parent.receive() == "ttf"
    process = spans(1)[f"ipc.process {method}"]
    assert call["headers"]["traceparent"] == f"00-{TRACE}-{process['id']}-01"
    assert call["headers"]["baggage"] == "user=anna"


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None  # as if it were not installed

def inner(name="inner"):
    return "no tracing"
"""

NOT_CONFIGURED = """
from opentelemetry import trace

def inner(name="inner"):
    assert not trace.get_current_span().is_recording()
    return "no tracing"
"""


@pytest.mark.parametrize("prelude", [WITHOUT, NOT_CONFIGURED], ids=["without", "not configured"])
def test_without_an_sdk_handlers_work_and_calls_carry_the_trace_as_it_came(start, prelude):
    parent = start(prelude + HANDLERS)
    parent.hello()
    ask(parent, "work")
    assert parent.receive() == "no tracing"
    ask(parent, "work-async")
    assert parent.receive() == "no tracing"
    ask(parent, "numbers", 2)
    assert elements(parent) == [0, 1]
    ask(parent, "font")
    refuse_lanes(parent.calls)
    number, call = next_call(parent.calls)
    answer(parent.calls, number, "ttf")
    assert parent.receive() == "ttf"
    assert call["headers"].pop("deadline-ms")
    assert call["headers"] == HEADERS
