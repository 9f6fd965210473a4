"""Many runs at once over four worker processes, and what it costs a worker to choose among many that are due."""

import time
from collections.abc import Iterator

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet

from benchmarks.drive import forget_runs
from benchmarks.figures.moves import beside, fill_with_due
from benchmarks.interleave import spread
from benchmarks.operations import SideBySide
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds
from benchmarks.workers import workers
from headway import runs
from headway.conf import conf
from headway.models import Run
from headway.store.parts.candidates import ANYBODYS

__all__ = ["choosing", "many_runs"]

WORKERS = 4
PAUSE_MS = 10  # of an item of the equals, as of one that waits for a disk or a service
FEW_ITEMS = 10  # of each of the many
LOOK_EVERY = 0.5  # s
PATIENCE = 900.0  # s


def many_runs(size: Size) -> Iterator[Figure]:
    """Equal runs side by side over four workers; then as many short ones queued behind them as there is room for."""
    with workers(WORKERS):
        began = time.monotonic()
        equals = start(size.equal_runs, size.equal_items, PAUSE_MS)
        many = start(size.queued_runs, FEW_ITEMS, 0)
        started = time.monotonic() - began
        connections = wait_for_end()
        seconds = time.monotonic() - began
    items = size.equal_runs * size.equal_items + size.queued_runs * FEW_ITEMS
    ideal = size.equal_runs * size.equal_items * PAUSE_MS / 1000 / WORKERS
    what = f"{size.equal_runs} equal runs, {size.queued_runs:,} short ones, {WORKERS} {conf().engine} workers"
    yield Figure(what, spell_seconds(seconds), f"the equals' pauses alone {spell_seconds(ideal)}")
    yield Figure("- started", f"{len(equals) + len(many):,}", f"in {spell_seconds(started)}")
    yield Figure("- in a second", f"{items / seconds:,.0f} items", f"{(len(equals) + len(many)) / seconds:.1f} runs")
    for name, ids in (("equal", equals), ("short", many)):
        took = sorted(durations(Run.objects.filter(pk__in=ids)))
        found = spread(took)
        yield Figure(
            f"- from start to end, {name}",
            f"median {spell_seconds(found.median)}",
            f"{spell_seconds(took[0])} to {spell_seconds(took[-1])}",
            f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        )
    if connections:
        yield Figure("- connections to the database", f"{max(connections)}", "of it 1 of the benchmark's")
    forget_runs()


def choosing(size: Size) -> Iterator[Figure]:
    """The query for candidates, while more and more are due."""
    for due in size.dues:
        fill_with_due(due, due)
        yield beside(f"candidates, {due:,} due", size.moves, lambda: ANYBODYS.first(1))
        forget_runs()


def start(count: int, items: int, pause_ms: float) -> list[object]:
    """So many runs, each of its own; their ids."""
    given = {"items": items, "pause_ms": pause_ms}
    return [runs.start(SideBySide, given).run.pk for _ in range(count)]


def durations(found: QuerySet[Run]) -> list[float]:
    """Seconds from start to end, by the database's clock."""
    took = ExpressionWrapper(F("finished_at") - F("created_at"), output_field=DurationField())
    return [one.total_seconds() for one in found.annotate(took=took).values_list("took", flat=True)]


def wait_for_end() -> list[int]:
    """Until all runs are done; how many connections PostgreSQL had meanwhile, look by look."""
    connections = []
    give_up = time.monotonic() + PATIENCE
    while Run.objects.filter(finished_at__isnull=True).exists():
        assert time.monotonic() < give_up, f"runs are still not done after {PATIENCE} s"
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
                connections.append(cursor.fetchone()[0])
        time.sleep(LOOK_EVERY)
    return connections
