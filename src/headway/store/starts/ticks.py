"""How far each schedule's ticks have been seen to. Nothing here starts a run, nor decides who does."""

from collections.abc import Iterable
from uuid import UUID

from headway.database import write
from headway.models import LastTick

Lapse = LastTick.Lapse


def of(operations: Iterable[str]) -> dict[str, LastTick]:
    """What is known of the schedules of these operations, by the oldest name of each."""
    return LastTick.objects.in_bulk(list(operations))


def adopt(operation: str, declared: str, after: int, before: LastTick | None) -> None:
    """From now on it is this schedule whose ticks are noted, beginning after this moment; unless another process was
    quicker. `before`: what was known when that was decided."""
    mine = LastTick(operation=operation, declared=declared, tick=after)
    with write():
        if before is None:
            LastTick.objects.bulk_create([mine], ignore_conflicts=True)
        else:
            there = LastTick.objects.filter(operation=operation, declared=before.declared, tick=before.tick)
            there.update(declared=declared, tick=after)


def note(operation: str, declared: str, tick: int, *, run: UUID | None = None, lapse: Lapse | None = None) -> bool:
    """All ticks of this schedule up to this one are seen to. False: this one was noted before, or a later one, or
    another schedule."""
    found = {} if run is None else {"run": run}
    missed = {} if lapse is None else {"missed": tick, "lapse": lapse}
    with write():
        there = LastTick.objects.filter(operation=operation, declared=declared, tick__lt=tick)
        return bool(there.update(tick=tick, **found, **missed))
