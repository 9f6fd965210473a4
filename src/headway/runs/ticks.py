"""Runs that begin by the clock: each tick of a schedule starts one, whichever worker sees it.

Every worker looks, and none leads. What makes it one run is the idempotency key of its start, made of operation and
tick; what is stored of ticks beside it (`LastTick`) only says which were missed.
"""

import logging
import time
from datetime import UTC, datetime
from uuid import UUID

from django.db import Error

from headway.clock import now_ms
from headway.errors import IdempotencyKeyReused, RunConflict, RunDeleted
from headway.models import LastTick
from headway.operations import params, registry
from headway.operations.base import Operation
from headway.operations.schedules import GRACE_MS, schedule_of
from headway.store.announcing import announce_answer, announce_refusal
from headway.store.starts import ticks
from headway.store.starts.requests import Disposition
from headway.store.starts.ticks import Lapse

from .starting import begin, lasting_name

log = logging.getLogger(__name__)

CLOCKS = (time.monotonic, time.time)  # one stands still while the machine sleeps, the other may be set
LONGEST_WAIT = 3600.0  # s without asking the database for its time: clocks drift apart


class Timetable:
    """What one process knows of ticks: until when it has seen to them, and when the next one is."""

    def __init__(self) -> None:
        self.seen: int | None = None
        """The database's clock at the last look that asked it, in ms."""
        self.until = [float("-inf")] * len(CLOCKS)

    def look(self) -> bool:
        """Start what is due. Gives whether the database was asked: at a tick, and once an hour. Raises its errors, also
        those that one operation's own form meets; all others have been seen to then."""
        if not any(clock() >= until for clock, until in zip(CLOCKS, self.until, strict=True)):
            return False
        now, clocks, operations = now_ms(), [clock() for clock in CLOCKS], scheduled()
        since = now if self.seen is None else self.seen
        known = ticks.of(map(lasting_name, operations))
        faults: list[Error] = []
        for operation in operations:
            try:
                see_to(operation, known.get(lasting_name(operation)), since, now)
            except Error as error:
                faults.append(error)
        if faults:
            raise faults[0]
        self.seen = now
        coming = [tick for operation in operations if (tick := next_tick(operation, now)) is not None]
        wait = min([LONGEST_WAIT, *((tick - now) / 1000 for tick in coming)])
        self.until = [moment + wait for moment in clocks]
        return True


def scheduled() -> list[type[Operation]]:
    """The operations that have a schedule."""
    return [operation for operation in registry.every() if operation.schedule is not None]


def next_tick(operation: type[Operation], after: int) -> int | None:
    """Its first tick after this moment, in ms; None: there is none."""
    schedule = schedule_of(operation)
    return None if schedule is None else schedule.next(after)


def see_to(operation: type[Operation], known: LastTick | None, since: int, now: int) -> None:
    """Start what the ticks up to now ask for. `since`: from when on this process itself has looked."""
    schedule, name = schedule_of(operation), lasting_name(operation)
    assert schedule is not None
    if known and known.declared == str(schedule):
        after = known.tick
    else:  # new; or a deploy has changed it, and processes of both sides may look for a while
        after = max(since, now - GRACE_MS)
        ticks.adopt(name, str(schedule), after, known)
    late, on_time = schedule.due(after, now)
    if late and operation.missed == "once" and not on_time:
        bring(operation, late, Lapse.NO_WORKER)
    elif late and ticks.note(name, str(schedule), late, lapse=Lapse.NO_WORKER):
        log.warning("event=tick-missed operation=%s tick=%s", operation.name, said(late))
    for tick in on_time:
        bring(operation, tick)


def bring(operation: type[Operation], tick: int, lapse: Lapse | None = None) -> None:
    """Start the run of this tick, or find the one that it has; and note it. Raises the database's errors: then the next
    look does it again. Whatever else a start raises would only be raised again: that tick has no run."""
    run: UUID | None = None
    refused: Exception | None = None
    try:
        run = start(operation, tick)
    except Error:
        raise
    except (IdempotencyKeyReused, RunDeleted):
        pass  # it has had its run: under other parameters, before a deploy; or one that is deleted by now
    except RunConflict as error:
        lapse, refused = Lapse.IN_THE_WAY, error
    except Exception as error:  # noqa: BLE001  (of the operation's own form, or its concurrency_key)
        lapse, refused = Lapse.FAILED, error
    is_first = ticks.note(lasting_name(operation), str(schedule_of(operation)), tick, run=run, lapse=lapse)
    if refused and is_first:
        tell_refusal(operation, tick, refused)


def tell_refusal(operation: type[Operation], tick: int, error: Exception) -> None:
    """That this tick has no run, and why: one worker does, of all that have seen it."""
    place = operation.name, said(tick)
    if isinstance(error, RunConflict):
        announce_refusal(operation.name)
        log.warning("event=tick-without-run operation=%s tick=%s error=%r", *place, str(error))
    else:
        log.error("event=tick-without-run operation=%s tick=%s", *place, exc_info=error)


def start(operation: type[Operation], tick: int) -> UUID:
    """As `runs.start` by code, with a key that no caller can send: it has a blank. Gives the tick's run; one worker
    tells what the start came to, and the others, which find that, tell nothing."""
    given = operation.schedule_params
    accepted = params.clean(operation.form, given)
    key = f"tick {lasting_name(operation)} {said(tick)}"
    run, disposition = begin(operation, given, accepted, None, key, False)
    if disposition != Disposition.REPLAYED:
        announce_answer(operation.name, str(disposition), run.pk)
        event = "tick-joined" if disposition == Disposition.JOINED else "tick"
        log.info("event=%s operation=%s tick=%s run=%s", event, operation.name, said(tick), run.pk)
    return run.pk


def said(tick: int) -> str:
    return datetime.fromtimestamp(tick / 1000, UTC).isoformat()
