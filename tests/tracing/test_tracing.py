"""A run belongs to the trace of whoever has started it: its slices are spans of it, and its calls are below those."""

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanContext

from headway import TryAgain
from headway.contrib.logs import JsonLines
from headway.models import Part, Run
from headway.testing import end_waits
from servers.server import ROOT
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.webhooks.conftest import Declare
from tests.webhooks.conftest import declare as declare
from tests.webhooks.conftest import receiver as receiver
from tests.webhooks.receiver import Receiver
from tests.workers import Workers, wait_for_end

from .conftest import Slices

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


class Request:
    """What starts runs inside a span, as a traced request does."""

    def __enter__(self) -> SpanContext:
        self.span = trace.get_tracer("tests").start_as_current_span("request")
        return self.span.__enter__().get_span_context()

    def __exit__(self, *raised: Any) -> None:
        self.span.__exit__(*raised)


def sent_on() -> str:
    """What an instrumented client would send."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent", "")


def told(span: SpanContext) -> str:
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def test_each_slice_is_a_span_under_the_request_that_has_started_the_run(slices: Slices) -> None:
    with Request() as request:
        run = start(items=3)
    assert fresh(run).traceparent == told(request)
    work(claim(run), should_stop=after_items())
    drive(run)

    first, second = slices()
    for span in (first, second):
        assert span.parent
        assert (span.parent.span_id, span.context.trace_id) == (request.span_id, request.trace_id)
        assert span.name == "headway tests.write_ledger"
        assert span.attributes
        assert span.attributes["headway.run"] == str(run.pk)
        assert span.attributes["headway.part"] == Part.objects.get(run=run).pk


@pytest.mark.once
def test_a_start_over_http_keeps_the_trace(slices: Slices) -> None:
    client = Client()
    client.force_login(User.objects.create_user("demo"))
    with Request() as request:
        answer = client.post("/api/operations/tests.write_ledger/runs/", {"items": 1}, "application/json")
    assert answer.status_code == 202
    assert Run.objects.get().traceparent == told(request)


@pytest.mark.parametrize(
    ("operation", "hook"),
    [
        ("tests.scripted", "before"),
        ("tests.prepare_inline", "prepare"),
        ("tests.prepare_on_threads", "prepare"),
        ("tests.scripted_outside", "call"),
        ("tests.rebuild", "run"),
    ],
)
@pytest.mark.once
def test_what_its_code_sends_on_is_below_the_slice_in_every_thread(
    slices: Slices, script: Script, operation: str, hook: str
) -> None:
    sent: dict[str, str] = {}
    script[hook] = lambda *given: sent.setdefault(sent_on(), threading.current_thread().name)
    with Request() as request:
        run = start(operation)
    assert drive(run).state == "succeeded"
    (span,) = slices()
    assert span.context.trace_id == request.trace_id
    assert list(sent) == [told(span.context)]


def test_a_later_pass_and_a_take_over_belong_to_the_same_trace(slices: Slices, script: Script) -> None:
    script["before"] = lambda operation, number: later(operation.attempt)
    with Request() as request:
        run = start("tests.scripted_again")
    part = claim(run)
    work(part, should_stop=after_items())
    expire(claim(run))
    drive(run)
    end_waits()
    assert drive(run).state == "succeeded"
    assert len(slices()) == 3
    assert {span.context.trace_id for span in slices()} == {request.trace_id}


def later(attempt: int) -> None:
    if attempt == 1:
        raise TryAgain("Not yet.")


@pytest.mark.once
def test_a_run_that_nobody_traces_has_traces_of_its_own(slices: Slices) -> None:
    run = start(items=1)
    assert fresh(run).traceparent == ""
    drive(run)
    (span,) = slices()
    assert span.parent is None


@pytest.mark.once
def test_a_slice_that_was_fenced_is_marked_as_an_error(slices: Slices) -> None:
    run = start(items=3)
    stale = claim(run, "first")
    expire(stale)
    claim(run, "second")
    work(stale)
    (span,) = slices()
    assert span.status.status_code == trace.StatusCode.ERROR


@pytest.mark.once
def test_a_webhook_is_below_the_slice_that_delivers_it(slices: Slices, receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/200"))
    with Request() as request:
        run = start(items=1)
    drive(run)
    ending, delivering = slices()
    assert {span.context.trace_id for span in (ending, delivering)} == {request.trace_id}
    assert delivering.parent
    assert delivering.parent.span_id == ending.context.span_id
    assert receiver.got[0]["headers"]["Traceparent"] == told(delivering.context)


@pytest.mark.once
def test_in_a_worker_without_an_sdk_the_trace_goes_on_as_it_came(
    provider: Any, workers: Workers, tmp_path: Path
) -> None:
    sink = tmp_path / "sent"
    with Request() as request:
        run = start("tests.send_on", sink=str(sink))
    workers.start()
    wait_for_end(run.pk)
    assert sink.read_text().splitlines() == [told(request)]


@pytest.mark.once
def test_a_line_in_the_log_says_its_trace(slices: Slices, script: Script) -> None:
    lines: list[dict[str, Any]] = []
    line = logging.makeLogRecord({"msg": "sold"})
    script["call"] = lambda operation, number: lines.append(json.loads(JsonLines().format(line)))
    with Request() as request:
        run = start("tests.scripted_outside")
    drive(run)
    assert {line["trace"] for line in lines} == {f"{request.trace_id:032x}"}
    assert "trace" not in json.loads(JsonLines().format(line)), "where there is none, it says nothing"


@pytest.mark.once
def test_what_a_worker_has_done_is_exported_before_it_goes(
    provider: Any, workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = tmp_path / "spans"
    monkeypatch.setenv("TEST_SPANS", str(spans))
    worker = workers.start()
    with Request() as request:
        run = start(items=1)
    wait_for_end(run.pk)
    worker.terminate()
    assert worker.wait(30) == 0
    (span,) = map(json.loads, spans.read_text().splitlines())
    assert (span["name"], span["parent_id"]) == ("headway tests.write_ledger", f"0x{request.span_id:016x}")


@pytest.mark.once
def test_without_opentelemetry_nothing_is_done() -> None:
    code = """
import json, sys
sys.modules["opentelemetry"] = None
from headway import tracing
with tracing.span("name", "00-1-2-01", {}) as span:
    print(json.dumps([tracing.headers(), tracing.traceparent(), tracing.ids(), span]))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == [{}, "", {}, None]


@pytest.mark.once
def test_the_example_sends_the_trace_on_to_the_other_service(receiver: Receiver, tmp_path: Path) -> None:
    code = """
import django
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

django.setup()
from example.services.orders.models import Order
from example.services.orders.operations import move

with use_span(NonRecordingSpan(SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1)))):
    move(Order(sku="tea", quantity=2), fence=1, run="1")
"""
    told = {"SERVICE": "orders", "DATA_DIR": str(tmp_path), "STOCK_URL": receiver.at("/200")["url"]}
    told["DJANGO_SETTINGS_MODULE"] = "example.services.settings"
    subprocess.run([sys.executable, "-c", code], env=os.environ | told, cwd=ROOT, check=True)

    (got,) = receiver.got
    assert (got["path"], got["headers"]["Traceparent"]) == ("/200/moves/", f"00-{7:032x}-{8:016x}-01")
