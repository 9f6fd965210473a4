"""On what this thread works, so that whatever it logs can be found by its run; and the trace that a run belongs to,
from its start to what its items call: where OpenTelemetry's API is installed.

A run keeps the W3C `traceparent` of whoever has started it. Each slice of it is a span under that one, on whatever
machine; the operation's code finds it as the current span, in its threads too. Without the API nothing is done.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any
from uuid import UUID

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    IS_THERE = False
else:
    IS_THERE = True

current: ContextVar[dict[str, Any]] = ContextVar("headway_at_work")


@contextmanager
def at_work_on(run: UUID, part: int) -> Iterator[None]:
    """Inside, the thread works on this part of this run."""
    token = current.set({"run": str(run), "part": part})
    try:
        yield
    finally:
        current.reset(token)


def headers() -> dict[str, str]:
    """What tells another program of the current trace: {"traceparent": …}, and {} where there is none."""
    told: dict[str, str] = {}
    if IS_THERE:
        TraceContextTextMapPropagator().inject(told)
    return told


def traceparent() -> str:
    """The current span as a run keeps it; "": none."""
    return headers().get("traceparent", "")


def ids() -> dict[str, Any]:
    """What log lines are found by: `run` as text and `part`, a number, where the thread works on one; and `trace`,
    where there is one."""
    return current.get({}) | ({"trace": told.split("-")[1]} if (told := traceparent()) else {})


def span(name: str, parent: str, attributes: dict[str, Any]) -> AbstractContextManager[Any]:
    """A span, which is current inside, under the one of this `traceparent`; where that is "", under the current one."""
    if not IS_THERE:
        return nullcontext()
    above = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    kind = trace.SpanKind.CONSUMER
    return trace.get_tracer("headway").start_as_current_span(name, above, kind, attributes)


def flush(seconds: float) -> None:
    """Have the SDK export what it keeps, within so many seconds: a forked process ends without its exit handlers."""
    if IS_THERE and (export := getattr(trace.get_tracer_provider(), "force_flush", None)):
        export(round(seconds * 1000))
