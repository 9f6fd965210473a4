"""One slice: a claimed part is advanced until it ends, somebody wants something else, or others have waited enough.

claimed ─ plan ─► items: chunk, look, chunk, look … ─► close ─► finish
                    └► yield (pause, cancel) · release (slice over, shutdown) · halt (stop, operation-error)
"""

import json
import logging
import time
import traceback
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from django.utils import translation

from headway.conf import conf
from headway.errors import RunNotFound
from headway.models import Kind, Part
from headway.operations.base import Operation
from headway.operations.sources import Source
from headway.signals import write_fenced
from headway.states import Want
from headway.store import control, database, endings, leases, planning
from headway.store.candidates import ANYBODYS, Candidates
from headway.store.control import Reason
from headway.store.leases import STEP_LIMIT, Fenced, Look
from headway.store.outcomes import storable
from headway.store.planning import Range
from headway.store.turns import Turns

from .chunk import LARGEST, Chunks
from .counting import count_in_background
from .loading import load, source_of
from .preparing import Unprepared, preparing
from .pulse import Heartbeat, Pulse
from .reader import Reader, read

__all__ = ["Ending", "work"]

log = logging.getLogger(__name__)

T = TypeVar("T")

SHORTEST_SLICE = 0.25  # s: twenty runs that have never begun hold up a short one for two seconds
SHORTEST_CHUNK = 0.02  # s
LOOK_EVERY = 0.4  # s: a pause or a cancel is to be seen within a second, a long gap on SQLite included
FIRST_CHUNK = 8  # items read ahead before it is known how many a budget holds; more would grow stale if they are slow
GROWTH, FAST_GROWTH = 2, 8  # of what is read ahead, from one chunk to the next; fast while a chunk is over in no time
FAULTS_IN_A_ROW = 8  # the same chunk again so often; then the part is given back for a while
REST_AFTER_FAULTS_MS = 1_000
HOPELESS_TRIES = 20  # claims in a row without a checkpoint: what kills its workers isn't an item
POISON_DEATHS = 2  # with the first one, before anybody was careful: three
POISON_DEATHS_SLOW = 3  # an item of over a second is more often hit by a deploy than at fault
SLOW_ITEM_MS = 1_000


class Ending(Enum):
    """What a slice came to, for the engine that delivered it."""

    DONE = "done"  # closed, or at rest as people wish: nothing to be delivered again
    GIVEN_BACK = "given back"  # due again: ring
    FENCED = "fenced"  # somebody else has it
    LOST = "lost"  # the database is gone: reclaim the part before anything else


def work(part: Part, should_stop: Callable[[], bool], pulse: Pulse, rivals: Candidates = ANYBODYS) -> Ending:
    """Advance a claimed part for a slice, which is shorter while `rivals` wait.

    `should_stop` is asked after each item, so it must be cheap.

    What an operation or a database does ends in an answer, not in an error.
    """
    pulse.renewed = time.monotonic()
    try:
        with Heartbeat(part, pulse):
            return Slice(part, should_stop, pulse, rivals).go()
    except (Fenced, RunNotFound):
        log.info("part=%s run=%s event=fenced", part.pk, part.run_id)
        write_fenced.send_robust(sender=Part, run_id=part.run_id)
        return Ending.FENCED
    except Exception as error:  # noqa: BLE001  (the worker's boundary: only signals may end the process)
        if database.is_lost(error) or database.is_transient(error):
            log.warning("part=%s run=%s event=database-lost error=%r", part.pk, part.run_id, error)
            database.forget()
            return Ending.LOST
        return give_up(part, error)
    finally:
        pulse.rest()


def give_up(part: Part, error: Exception) -> Ending:
    """What nobody foresaw: the run waits for a person, instead of killing one worker after the other."""
    log.exception("part=%s run=%s event=internal-error", part.pk, part.run_id)
    database.forget()
    detail = "".join(traceback.format_exception(error))
    try:
        control.halt(part, Want.PAUSE, Reason("internal-error", "The worker failed. Resume it to try again.", detail))
    except (Fenced, RunNotFound):
        return Ending.FENCED
    return Ending.DONE


class OperationError(Exception):
    """The operation's own code (not an item) raised: its source, its hooks, its parameters."""


class Slice:
    """A claimed part and what is needed to advance it."""

    def __init__(self, part: Part, should_stop: Callable[[], bool], pulse: Pulse, rivals: Candidates) -> None:
        self.part = part
        self.should_stop = should_stop
        self.pulse = pulse
        self.rivals = rivals
        self.turns = Turns()
        self.began = time.monotonic()
        self.next_look = self.began + min(SHORTEST_SLICE, conf().busy_slice_seconds)
        self.message = part.message

    def go(self) -> Ending:
        """The slice. Raises Fenced, RunNotFound, and errors of the database."""
        if self.part.want != Want.RUN:
            return self.give_in()
        if self.should_stop():
            return self.release()
        if self.part.tries > HOPELESS_TRIES:
            return self.halt(Reason("worker-died", f"Its worker died {self.part.tries - 1} times in a row."))
        try:
            with translation.override(self.part.run.language):
                return self.advance()
        except OperationError as error:
            cause = error.__cause__ or error
            log.error("part=%s run=%s event=operation-error", self.part.pk, self.part.run_id, exc_info=cause)
            detail = "".join(traceback.format_exception(cause))
            return self.halt(Reason("operation-error", f"{error} Mend it, then resume; nothing is lost.", detail))

    def advance(self) -> Ending:
        """Plan, work, finish: whatever of it is still to be done."""
        self.pulse.begin(STEP_LIMIT)
        operation = ask("Its operation can't be loaded.", lambda: load(self.part.run, self.say))
        if self.part.kind == Kind.FINISH:
            return self.finish(operation)
        source = ask("Its items can't be found.", lambda: source_of(operation, self.part.run))
        if self.part.kind == Kind.PLAN and not self.plan(operation, source):
            return self.give_in()
        count_in_background(self.part, source)
        return self.items(operation, source)

    def plan(self, operation: Operation, source: Source[Any]) -> bool:
        """Freeze the bounds and call `on_start`; the planning part becomes the first of the parts. False: unwanted."""
        run = self.part.run

        def freeze() -> list[Range]:
            left, unplanned = planning.left_by(run.retry_of_id, operation.parts) if run.retry_of_id else ([], True)
            fresh = ranges_of(source, operation.parts) if unplanned else []
            ask("Its on_start failed.", operation.on_start)
            return left + fresh

        self.pulse.begin(STEP_LIMIT)
        planned = planning.plan(self.part, freeze)
        self.pulse.rest()
        return planned

    def items(self, operation: Operation, source: Source[Any]) -> Ending:
        """The part's items, until its end or the slice's."""
        database.bound_idle_transactions(operation.item_timeout)
        prepare = preparing(operation, self.part, self.pulse, self.should_stop)
        chunks = Chunks(self.part, operation, source, prepare, self.pulse, self.should_stop, lambda: self.message)
        reader = Reader(prepare.wrap(ask("Its items can't be read.", lambda: read(self.part, source))))
        try:
            self.bury(chunks, reader)
            return self.chunks(chunks, reader, prepare) or self.close(operation)
        finally:
            prepare.close()

    def chunks(self, chunks: Chunks, reader: Reader, prepare: Unprepared) -> Ending | None:
        """Chunk after chunk, with a look in between; None: the part's end is reached."""
        appetite, faults = max(FIRST_CHUNK, prepare.least), 0
        while True:
            self.fill(reader, appetite)
            if not reader.window:
                return None
            asked = time.monotonic()
            entries = prepare.ready(reader.window, self.next_look)
            self.turns.rest(time.monotonic() - asked)
            if not entries:
                # Whoever waits for the first of them gives way to no other run, or it would never come.
                if ending := self.release() if self.should_stop() else self.heed():
                    return ending
                continue
            began, budget = time.monotonic(), self.budget
            try:
                tally = chunks.advance(entries, budget)
            except Exception as error:
                if not database.is_transient(error):
                    raise
                faults += 1
                if self.should_stop() or faults > FAULTS_IN_A_ROW:
                    return self.release(after_ms=REST_AFTER_FAULTS_MS)
                if ending := self.look():
                    return ending
                database.back_off(faults)
                prepare.again(reader.window, database.is_transient)
                continue
            faults = 0
            reader.drop(tally.done)
            if tally.stop:
                return self.halt(Reason("stopped", tally.stop.text), Want.STOP)
            fast = (time.monotonic() - began) * FAST_GROWTH < budget
            growth = prepare.growth or (FAST_GROWTH if fast else GROWTH)
            appetite = min(LARGEST, max(prepare.least, tally.done * growth))
            if self.should_stop():
                return self.release()
            if time.monotonic() >= self.next_look and (ending := self.look()):
                return ending
            self.turns.give_way()

    def bury(self, chunks: Chunks, reader: Reader) -> None:
        """The item that has killed its workers so often is written down, not run again; the run goes on."""
        part = self.part
        slow = part.processed and part.worked_ms / part.processed > SLOW_ITEM_MS
        if part.deaths < (POISON_DEATHS_SLOW if slow else POISON_DEATHS):
            return
        self.fill(reader, 1)
        if reader.window:
            text = f"Its worker died {part.deaths + 1} times while doing it, so it was left out."
            chunks.record(reader.window[0], "worker-died", text)
            reader.drop(1)

    def fill(self, reader: Reader, size: int) -> None:
        """Read ahead, outside any transaction."""
        self.pulse.begin(STEP_LIMIT)
        ask("Its items can't be read.", lambda: reader.fill(size))
        self.pulse.rest()

    def look(self) -> Ending | None:
        """Whether the slice is over; None: go on."""
        seen = self.see()
        if seen.want != Want.RUN:
            return self.give_in()
        if time.monotonic() >= self.began + slice_seconds(seen.least_served_ms):
            return self.release()
        return None

    def heed(self) -> Ending | None:
        """Whether something else than to run is wanted; None: go on."""
        return None if self.see().want == Want.RUN else self.give_in()

    def see(self) -> Look:
        """What is wanted, and who waits."""
        seen = leases.look(self.part, self.rivals)
        self.next_look = time.monotonic() + LOOK_EVERY
        return seen

    @property
    def budget(self) -> float:
        """Seconds that the next chunk may take: not past the next look."""
        return min(self.turns.budget, max(SHORTEST_CHUNK, self.next_look - time.monotonic()))

    def close(self, operation: Operation) -> Ending:
        """The part's end is reached; the last one goes on to the run's finish."""
        closed = endings.close_part(self.part, has_finish=operation.has_finish())
        if not closed.wanted:
            return self.give_in()
        if closed.finish is None:
            return Ending.DONE
        self.part = closed.finish
        return self.finish(operation)

    def finish(self, operation: Operation) -> Ending:
        """Call `on_finish` and end the run with its result."""
        if self.should_stop():
            return self.release()
        database.bound_idle_transactions(STEP_LIMIT)
        self.pulse.begin(STEP_LIMIT)
        finished = endings.finish(self.part, lambda: ask("Its on_finish failed.", lambda: result_of(operation)))
        return Ending.DONE if finished else self.give_in()

    def release(self, after_ms: int = 0) -> Ending:
        """Give the part back for the next slice, due after so many milliseconds."""
        return Ending.GIVEN_BACK if leases.release(self.part, after_ms) else self.give_in()

    def give_in(self) -> Ending:
        """Give the part back because something else than to run is wanted."""
        run = control.yield_part(self.part)
        return Ending.GIVEN_BACK if run.want == Want.RUN else Ending.DONE

    def halt(self, reason: Reason, wanted: Want = Want.PAUSE) -> Ending:
        """The run can't go on: say why, and let it come to rest."""
        control.halt(self.part, wanted, reason)
        return Ending.DONE

    def say(self, text: str) -> None:
        """The run's message; it is stored with the next checkpoint."""
        self.message = storable(text, 255)


def slice_seconds(least_served_ms: int | None) -> float:
    """How long a slice lasts: while others wait, as long as the least served of them has been served so far, within
    limits. So who comes new waits for a moment only, and those that have been served alike change seldom."""
    if least_served_ms is None:
        return conf().slice_seconds
    return min(conf().busy_slice_seconds, max(SHORTEST_SLICE, least_served_ms / 1000))


def ask(what: str, call: Callable[[], T]) -> T:
    """What the operation's own code gives. Raises OperationError for whatever it raises, but not for the database's
    faults."""
    try:
        return call()
    except Exception as error:
        if database.is_transient(error) or database.is_lost(error):
            raise
        raise OperationError(what) from error


def ranges_of(source: Source[Any], parts: int) -> list[Range]:
    """What a new run is to read, in so many parts at most. Raises OperationError."""
    kind = type(source).__name__
    if parts > 1 and not source.can_split():
        raise OperationError(f"Its source, a {kind}, can't be split into {parts} parts: leave `parts` out.")
    bounds = ask("Its source can't be opened.", source.freeze)
    if parts == 1:
        return [Range(bounds)]
    split = ask(f"Its source can't be split into {parts} parts.", lambda: list(source.split(bounds, parts)))
    if not 1 <= len(split) <= parts:
        raise OperationError(f"Its source, a {kind}, has split into {len(split)} parts; asked for were 1 to {parts}.")
    return [Range(each) for each in split]


def result_of(operation: Operation) -> Any:
    """What `on_finish` gives. Raises TypeError when it isn't JSON that every database keeps."""
    result = operation.on_finish()
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False)
        text.encode()  # half of a surrogate pair can't be
        if "\\u0000" in text.replace("\\\\", ""):
            raise ValueError("a NUL character can't be stored")
    except (TypeError, ValueError) as error:
        raise TypeError(f"on_finish() returned {result!r:.200}, which is not JSON ({error}).") from error
    return result
