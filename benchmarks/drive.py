"""A run from its first claim to its end, in this process, as the embedded worker's child drives it."""

from typing import Any

from headway import runs
from headway.models import ItemOutcome, Part, Run
from headway.runner import Pulse, work
from headway.store.parts import leases

from .interleave import Sample, Stopwatch

__all__ = ["drive", "forget_runs"]

WORKER = "benchmark"


def drive(operation: str, params: dict[str, Any] | None = None) -> Sample:
    """Start a run, then claim and work until nothing is due any more; timed from the first claim on."""
    run = runs.start(operation, params).run
    picks = 0
    with Stopwatch() as watch:
        while part := leases.claim(WORKER, picks := picks + 1):
            work(part, lambda: False, Pulse())
    run.refresh_from_db()
    assert run.state in ("succeeded", "partial"), f"{operation} ended as {run.state}: {run.reason_detail}"
    return watch.sample


def forget_runs() -> None:
    """Delete all runs, so that nothing is due and the tables are small."""
    for model in (ItemOutcome, Part, Run):
        model.objects.all().delete()
