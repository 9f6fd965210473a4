"""OpenTelemetry's own SDK, which keeps the spans of a test."""

from collections.abc import Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

Slices = Callable[[], list[ReadableSpan]]


@pytest.fixture(scope="session")
def provider() -> TracerProvider:
    """One for the process: the API takes no second."""
    made = TracerProvider()
    trace.set_tracer_provider(made)
    return made


@pytest.fixture
def slices(provider: TracerProvider) -> Iterator[Slices]:
    """The spans of slices that have ended since the test began."""
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield lambda: [span for span in exporter.get_finished_spans() if span.name.startswith("headway ")]
    processor.shutdown()  # it stays in the provider, and keeps nothing any more
