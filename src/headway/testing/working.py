"""A worker's work to its end; what is due later, due now: a test never waits for it; and an operation by itself."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models import F, Manager

from headway import runs
from headway.database import NowMs
from headway.engines.claimant import Claimant
from headway.models import ItemOutcome, ItemState, LastTick, Part, Run, SharedRate, Worker
from headway.operations import params as parameters
from headway.operations import registry
from headway.operations.base import Operation
from headway.operations.context import Context, RunView
from headway.operations.effects import Effects
from headway.runs.starting import holds_of
from headway.snapshots import snapshot
from headway.states import Counts, State

WORKER = "drain"


def run_to_end(
    operation: type[Operation] | str,
    params: dict[str, Any] | None = None,
    *,
    user: Any = None,
    dry_run: bool = False,
    seconds: float = 60,
) -> Run:
    """Start a run as `runs.start` does, and do all that is due until it has ended; gives the run as it is then.

    What it waits for (an item that is to be tried again, `Wait`, a rate) is over at once. Raises what `runs.start`
    raises, and AssertionError with the run's reason when it is paused, then with the traceback too, or hasn't ended in
    that time.
    """
    run, until = runs.start(operation, params, user=user, dry_run=dry_run).run, time.monotonic() + seconds
    why = ""
    while True:
        drain(until - time.monotonic())
        run.refresh_from_db()
        if run.is_done:
            return run
        why = reason_of(run) or why  # that of the last round, where the seconds were over before this one's items
        if run.state == State.PAUSED:
            raise AssertionError(f"{run} is paused. {why}\n{run.reason_detail}".rstrip())
        if time.monotonic() >= until:
            raise AssertionError(f"{run} is {run.state} after {seconds:g} s. {why}".rstrip())
        end_waits()


def reason_of(run: Run) -> str:
    """Why it paused or waits; that it lacks a worker is no reason here."""
    reason = snapshot(run)["reason"]
    return "" if reason is None or reason["code"] == "no-worker" else str(reason["text"])


def drain(seconds: float = 60) -> None:
    """Do all that is due, of all operations and queues, until nothing is due any more or the seconds are over.

    Each item is done exactly as by a worker: in chunks, with checkpoints, outcomes and signals. What is due later (a
    part that waits, or an item that is to be tried again) isn't waited for: see `end_waits`. Raises errors of the
    database.
    """
    until = time.monotonic() + seconds
    work_until(lambda: time.monotonic() >= until)


def work_until(is_over: Callable[[], bool]) -> None:
    """Do what is due, until nothing is or it is over; what is asked after each item."""
    claimant = Claimant(WORKER, should_stop=is_over, wait=time.sleep)
    while not is_over() and claimant.turn() is not None:
        pass


def end_waits() -> None:
    """As if everything that any run waits for were over: what is due later is due now, for the next `drain`."""
    now = NowMs()
    ItemOutcome.objects.filter(state=ItemState.RETRYING).update(retry_at=now)
    Part.objects.filter(token=None, due__gt=now).update(due=now)
    SharedRate.objects.update(free_at=0)


def turn_clock(by: timedelta) -> None:
    """As if this time had passed since all that is stored: what was due in it is due, leases have run out, runs have
    ended so long ago."""
    ms = by // timedelta(milliseconds=1)
    bring_back(Run.everything, created_at=by, started_at=by, finished_at=by, paused_since=ms, changed=ms)
    bring_back(Part.objects, due=ms, changed=ms)
    bring_back(ItemOutcome.objects, retry_at=ms)
    bring_back(SharedRate.objects, free_at=ms * 1_000, changed=ms)
    bring_back(Worker.objects, beat=ms)
    bring_back(LastTick.objects, tick=ms, missed=ms)


def bring_back(rows: Manager[Any], **columns: timedelta | int) -> None:
    rows.update(**{name: F(name) - by for name, by in columns.items()})


def instance(operation: type[Operation] | str, given: dict[str, Any] | None = None, *, user: Any = None) -> Operation:
    """The operation as a worker makes it, with these parameters, for a call of its `process` or `items` by hand.

    Writes nothing: what `say`, `write` and `add` take is judged and goes nowhere, `run` has a new id and no items, and
    the fences of what it `holds` are 1, 2 and so on, in the order of the names.
    Raises UnknownOperation, and InvalidParams where the form refuses the parameters.
    """
    declared = registry.get(operation) if isinstance(operation, str) else operation
    run = RunView(uuid4(), retry_of=None, dry_run=False, counts=Counts)
    cleaned = parameters.Params(parameters.clean(declared.form, given or {}, user))
    context = Context(params=cleaned, user=user, run=run)
    fences = {name: number for number, name in enumerate(holds_of(declared, context) or (), start=1)}
    made = declared(replace(context, fences=fences))
    if declared.is_outside():
        made._effects = Effects(run.id, "0")
    return made
