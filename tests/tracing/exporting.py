"""A project's own set-up of OpenTelemetry's SDK: spans go out in batches, here into a file."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

__all__ = ["export_to"]


def export_to(path: str) -> None:
    """From now on, a line of JSON for each span that ends in this process, or in those that it forks."""
    file = open(path, "a")  # noqa: SIM115  (for the life of the process)
    exporter = ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    trace.set_tracer_provider(provider)
