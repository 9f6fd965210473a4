"""The single moves of the protocol: a checkpoint, a claim among many parts, a start."""

from collections.abc import Callable, Iterator
from itertools import count

from django.db import connection, transaction

from benchmarks.drive import WORKER, forget_runs
from benchmarks.interleave import Sample, Stopwatch, interleave, median_wall, ratios
from benchmarks.models import Row
from benchmarks.operations import Nothing
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds, spell_times
from headway import runs
from headway.database import now_ms, write
from headway.models import Kind, Part
from headway.states import Counts
from headway.store.parts import checkpoints, leases
from headway.store.parts.candidates import ANYBODYS
from headway.store.parts.checkpoints import Checkpoint

__all__ = ["beside", "checkpoint", "claim", "fill_with_due", "start"]

HOUR_MS = 3_600_000


def checkpoint(size: Size) -> Iterator[Figure]:
    """One checkpoint in a transaction of its own, COMMIT included, against one UPDATE of one row in one."""
    runs.start(Nothing, {"items": 1})
    part = leases.claim(WORKER, 1)
    assert part is not None
    numbers = count(1)

    def move() -> None:
        number = next(numbers)
        with write():
            stand = Checkpoint(
                cursor=number,
                counts=Counts(number),
                worked_ms=number,
                suspected=0,
                careful=0,
                pace=[[number, number]],
                message="",
            )
            checkpoints.write_checkpoint(part, stand, renew=False)
        part.seq += 1

    yield beside("one checkpoint", size.moves, move)
    forget_runs()


def claim(size: Size) -> Iterator[Figure]:
    """The query for candidates, and a whole claim, while many parts are due and more are not."""
    fill_with_due(size.due_parts, size.parts)
    among = f"{size.due_parts:,} due of {size.parts:,}"
    yield beside(f"candidates, {among}", size.moves, lambda: ANYBODYS.first(1))
    yield beside(f"claim, {among}", size.moves, lambda: leases.claim(WORKER, 1))
    forget_runs()


def fill_with_due(due: int, parts: int) -> None:
    """So many parts, of which so many are due; of the others half are owned and half are closed."""
    run = runs.start(Nothing, {"items": 1}).run
    now = now_ms()
    resting = parts - due
    Part.objects.bulk_create(
        [
            *(Part(run=run, kind=Kind.ITEMS, due=now - n, seq=n % 3, changed=now) for n in range(due)),
            *(Part(run=run, due=now + HOUR_MS + n, token=n, changed=now) for n in range(resting // 2)),
            *(Part(run=run, closed=True, changed=now) for _ in range(resting // 2)),
        ],
        batch_size=1000,
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE headway_part")  # as autovacuum would have by the time there are so many


def start(size: Size) -> Iterator[Figure]:
    """`runs.start`, called directly: of a new run, and of one that is live already."""
    numbers = count(1)
    yield beside("runs.start, created", size.moves, lambda: runs.start(Nothing, {"items": next(numbers)}))
    yield beside("runs.start, joined", size.moves, lambda: runs.start(Nothing, {"items": 1}))
    forget_runs()


def beside(what: str, moves: int, move: Callable[[], object]) -> Figure:
    """The median of a move, beside the simplest thing that lasts: one UPDATE of one row in a transaction."""
    row = Row.objects.create()
    numbers = count(1)

    def plain() -> None:
        with transaction.atomic():
            Row.objects.filter(pk=row.pk).update(number=next(numbers))

    samples = interleave(moves, {"move": timed(move), "plain": timed(plain)})
    row.delete()
    return Figure(
        what,
        spell_seconds(median_wall(samples["move"])),
        f"an UPDATE, committed {spell_seconds(median_wall(samples['plain']))}",
        spell_times(ratios(samples["move"], samples["plain"])),
    )


def timed(call: Callable[[], object]) -> Callable[[], Sample]:
    def once() -> Sample:
        with Stopwatch() as watch:
            call()
        return watch.sample

    return once
