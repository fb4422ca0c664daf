"""A child with OpenTelemetry, whose spans go where those of Spans.java go."""
import os

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tiny_ipc import App


class ToFile(SpanExporter):
    def export(self, spans):
        with open(os.environ["TEST_SPANS"], "a") as file:
            for span in spans:
                parent = span.parent.span_id if span.parent else 0
                attributes = ",".join(f"{key}={value}" for key, value in span.attributes.items())
                file.write("\t".join([
                    str(os.getpid()), span.name, format(span.context.trace_id, "032x"),
                    format(span.context.span_id, "016x"), format(parent, "016x"),
                    span.status.status_code.name, attributes,
                ]) + "\n")
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ToFile()))
trace.set_tracer_provider(provider)
app = App()


@app.handler("ask-back")
def ask_back(request):
    return f"child({request.parent.call('ask', request.payload)})"


app.run()
