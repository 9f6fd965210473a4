"""A worker driven by hand: claims and works in the test's own process, so that a test decides what happens when."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Q

from headway import runner, runs
from headway.models import ItemOutcome, Part, Run
from headway.store.parts import leases
from headway.store.parts.candidates import Candidates, candidates

__all__ = [
    "after_items",
    "claim",
    "counted",
    "drive",
    "expire",
    "fresh",
    "start",
    "with_failures",
    "work",
]

WORKER = "driven"
NOBODYS = candidates(Q(pk=0))


def start(operation: str = "tests.write_ledger", **given: Any) -> Run:
    """A new run."""
    return runs.start(operation, given).run


def claim(run: Run, worker: str = WORKER) -> Part:
    """The run's part that is due, claimed. Fails when there is none, or when another run's part comes first."""
    part = leases.claim(worker, pick=1)
    assert part is not None, "nothing is due"
    assert part.run_id == run.pk, "another run's part is due first"
    return part


def work(part: Part, should_stop: Callable[[], bool] = lambda: False, rivals: Candidates = NOBODYS) -> runner.Ending:
    """One slice. Others that wait shorten it only where a test is about that: on a busy machine behind any item."""
    return runner.work(part, should_stop, runner.Pulse(), rivals)


def counted() -> None:
    """Wait until nobody in this process counts a total any more, since its end is a change of the run as well."""
    for thread in threading.enumerate():
        if thread.name.startswith("headway-count-"):
            thread.join(30)


def after_items(count: int = 1) -> Callable[[], bool]:
    """A `should_stop` that lets one slice do so many items (and plan, if that is still to be done); at most a chunk."""
    # Asked once before anything is begun, then after each item.
    asked = iter([False] * count)
    return lambda: next(asked, True)


def drive(run: Run) -> Run:
    """Work until nothing of it is due; gives the run as it is then."""
    while (part := leases.claim(WORKER, pick=1)) is not None:
        work(part)
    return fresh(run)


def expire(part: Part) -> None:
    """Let the part's lease run out, as if its owner had been silent for so long."""
    Part.objects.filter(pk=part.pk).update(due=1)


def fresh(run: Run) -> Run:
    """The run as the database has it."""
    return Run.objects.get(pk=run.pk)


def with_failures(run: Run, count: int, text: str = "No.") -> Run:
    """The run, as if the items with the keys 0 to count - 1 had failed; a hundred thousand in a second."""
    part = run.parts.get()
    ItemOutcome.objects.create(run=run, part=part, key="0", label="0", state="failed", code="no", text=text)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
            "INSERT INTO headway_itemoutcome (run_id, part_id, key, label, state, code, text, detail) "
            "SELECT run_id, part_id, n, n, state, code, text, detail FROM headway_itemoutcome, numbers "
            "WHERE part_id = %s ORDER BY n",
            [count - 1, part.pk],
        )
    return run
