"""One slice: a claimed part is advanced until it ends, somebody wants something else, or others have waited enough.

claimed ─ plan ─► items: chunk, look, chunk, look … ─► close ─► finish
                    ├► yield (pause, cancel) · release (slice over, shutdown) · halt (stop, operation-error)
                    └► wait (`Wait`, an outage, the rate, a later pass) · set back (faults of the database, lost holds)
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from headway import database, tracing
from headway.errors import RunNotFound
from headway.models import Kind, Part
from headway.operations.again import pause_asked_for
from headway.operations.base import Operation
from headway.operations.declarations import ANY_VERSION
from headway.operations.kept import plain_json
from headway.operations.outcomes import Stop, TryAgain, Wait
from headway.signals import write_fenced
from headway.states import Want
from headway.store.parts import discoveries, output, passes, planning
from headway.store.parts.candidates import ANYBODYS, Candidates
from headway.store.parts.leases import STEP_LIMIT, Fenced
from headway.store.parts.planning import Range
from headway.store.runs import control, endings
from headway.store.runs.control import OTHER_VERSION, Reason

from . import limits
from .allowance import allowance_of
from .commit import Commit
from .counting import count_in_background
from .ending import LOOK_EVERY, Ending, Endings
from .feed import Feed
from .feeds import feed_for
from .holding import Holding, HoldsLost
from .in_hand import Work
from .loading import OperationError, ask, identity_of, ranges_of
from .pulse import Heartbeat, Pulse
from .surroundings import surroundings
from .tally import Left, Tally
from .telling import in_full
from .ways import Ways

log = logging.getLogger(__name__)

FAULTS_IN_A_ROW = 5  # the same chunk again so often; then the part is given back for a while
HOPELESS_SETBACKS = 8  # at one place: not even leaving the item out has helped
HOPELESS_TRIES = 20  # owners in a row who died without a checkpoint: what kills them isn't an item
EXIT = "sys.exit() ends the worker: let the operation catch SystemExit"


def work(part: Part, should_stop: Callable[[], bool], pulse: Pulse, rivals: Candidates = ANYBODYS) -> Ending:
    """Advance a claimed part for a slice, which is shorter while `rivals` wait.

    `should_stop` is asked after each item, so it must be cheap.

    What an operation or a database does ends in an answer, not in an error.
    """
    pulse.renewed = time.monotonic()
    try:
        holding = Holding(part.run)
        with Heartbeat(part, pulse, holding), surroundings(part), span_of(part):
            return Slice(Work(part, should_stop, pulse, holding), rivals).go()
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
    except SystemExit:
        if not should_stop():  # a signal's handler may end the process so; else it is a library's `sys.exit()`
            log.exception("part=%s run=%s event=exit-called advice=%r", part.pk, part.run_id, EXIT)
        raise
    finally:
        pulse.rest()


def span_of(part: Part) -> AbstractContextManager[object]:
    """The slice's span in the run's trace."""
    run = part.run
    told = {"headway.operation": run.operation, "headway.run": str(run.pk), "headway.part": part.pk}
    return tracing.span(f"headway {run.operation}", run.traceparent, told)


def give_up(part: Part, error: Exception) -> Ending:
    """What nobody foresaw: the run waits for a person, instead of killing one worker after the other."""
    log.exception("part=%s run=%s event=internal-error", part.pk, part.run_id)
    database.forget()
    text = "The worker failed. Resume it to try again."
    try:
        control.halt(part, Want.PAUSE, Reason("internal-error", text, in_full(error)))
    except (Fenced, RunNotFound):
        return Ending.FENCED
    return Ending.DONE


class Slice(Endings):
    """A claimed part, advanced by its operation."""

    def go(self) -> Ending:
        """The slice. Raises Fenced, RunNotFound, and errors of the database."""
        if self.part.want != Want.RUN:
            return self.give_in()
        if self.should_stop():
            return self.release()
        if self.part.tries > HOPELESS_TRIES:
            return self.halt(Reason("worker-died", f"Its worker died {self.part.tries} times in a row."))
        if self.part.setbacks >= HOPELESS_SETBACKS:
            text = "The database kept failing there. Resume it to try again."
            return self.halt(Reason("database-fault", text, self.part.run.reason_detail))
        try:
            return self.advance()
        except HoldsLost as lost:
            return self.lose_holds(lost)
        except OperationError as error:
            cause = error.__cause__ or error
            if ending := self.heed_cause(cause):
                return ending
            log.error("part=%s run=%s event=operation-error", self.part.pk, self.part.run_id, exc_info=cause)
            text = f"{error} Mend it, then resume; nothing is lost."
            return self.halt(Reason("operation-error", text, in_full(cause)))

    def heed_cause(self, cause: BaseException) -> Ending | None:
        """What the operation's own code raised in order to say it: go on later, or stop. None: it has failed."""
        if isinstance(cause, Stop):
            return self.halt(Reason("stopped", cause.text), Want.STOP)
        if isinstance(cause, Wait):
            return self.wait(cause.seconds, cause.text)
        retry = getattr(self.work, "operation", Operation).retry  # none is there when it can't be loaded
        if isinstance(cause, Exception) and retry.covers(cause):
            said = f" {cause}" if isinstance(cause, TryAgain) else ""
            return self.wait(retry.seconds_until(1, cause), f"Its items can't be read now; that is tried again.{said}")
        return None

    def advance(self) -> Ending:
        """Plan, work, finish: whatever of it is still to be done."""
        work = self.work
        self.pulse.begin(STEP_LIMIT)
        work.holding.confirm()
        work.load()
        if self.part.kind == Kind.FINISH:
            return self.finish()
        work.open_source()
        if self.part.kind == Kind.PLAN and (ending := self.plan()):
            return ending
        if reason := self.other_version():
            return self.halt(reason)
        count_in_background(self.part, work.source)
        return self.items()

    def other_version(self) -> Reason | None:
        """Why a person must look first: another version of the operation has begun the run. None: it goes on."""
        began, now = self.part.run.version, self.work.operation.version
        if began == ANY_VERSION:
            began = control.adopt_version(self.part.run_id, now)
        if began == now:
            return None
        under = f"version {began}" if began else "no version"
        text = f"It began under {under} of its operation, and this {f'is {now}' if now else 'has none'}."
        return Reason(OTHER_VERSION, f"{text} Resume it to go on under this one.")

    def plan(self) -> Ending | None:
        """Freeze the bounds and call `on_start`; the planning part becomes the first of the parts. None: it has."""
        run, operation, source = self.part.run, self.work.operation, self.work.source
        left_by = planning.steps_left_by if operation.has_steps() else partial(planning.left_by, parts=operation.parts)
        left, unplanned = left_by(run.retry_of_id) if run.retry_of_id else ([], True)
        if unplanned and (ending := self.gather()):
            return ending

        def freeze() -> list[Range]:
            fresh = ranges_of(source, operation.parts) if unplanned else []
            if operation.discovers:
                ask("Its source can't tell its keys.", lambda: self.note_keys([each.bounds for each in fresh]))
            ask("Its on_start failed.", lambda: self.work.hook(operation.on_start))
            self.work.holding.confirm()
            return left + fresh

        self.pulse.begin(STEP_LIMIT)
        planned = planning.plan(self.part, freeze, identity_of(source), operation.version)
        self.pulse.rest()
        if not planned:
            return self.give_in()
        log.info("run=%s operation=%s event=began", run.pk, operation.name)
        return None

    def gather(self) -> Ending | None:
        """What the source does before its bounds are frozen, step by step; None: it is done."""
        steps = self.work.source.gather()
        while ask("Its items can't be found.", lambda: next(steps, steps)) is not steps:
            self.pulse.begin(STEP_LIMIT)
            if time.monotonic() >= self.next_look and (ending := self.release() if self.should_stop() else self.heed()):
                return ending
        return None

    def note_keys(self, ranges: list[Any]) -> None:
        """What lies in these ranges of the source is not to be added."""
        for bounds in ranges:
            discoveries.note(self.part.run, None, self.work.source.keys(bounds))

    def items(self) -> Ending:
        """The part's items, until its end or the slice's."""
        database.bound_idle_transactions(self.work.operation.item_timeout)
        self.work.allowance = allowance_of(self.work.operation, self.should_stop)
        feed = feed_for(self.work)
        commit = Commit(self.work, feed)
        self.ways = ways = Ways(self.work, feed, commit)
        try:
            return self.bury(commit) or self.heed_failed_step() or self.chunks(ways, feed) or self.close()
        except OperationError:
            self.settle()  # while there are threads to do it
            raise
        finally:
            feed.close()
            if self.work.guard.session_changed:
                database.forget()  # what an item has SET must not reach the next run

    def chunks(self, ways: Ways, feed: Feed) -> Ending | None:
        """Chunk after chunk, with a look in between; None: the part's end is reached."""
        faults = 0
        while True:
            asked = time.monotonic()
            is_ready = feed.ready(self.next_look) and self.work.may_begin(self.next_look)
            self.turns.rest(time.monotonic() - asked)
            if not is_ready:
                if feed.ended:
                    return None
                if ending := self.release() if self.should_stop() or self.winding_up else self.heed_lack(feed):
                    return ending
                continue
            try:
                tally = ways.advance(self.budget)
            except Exception as error:
                if not database.is_transient(error):
                    raise
                faults += 1
                if self.should_stop():
                    return self.release()
                if faults >= FAULTS_IN_A_ROW:
                    return self.set_back(error)
                if ending := self.look(feed):
                    return ending
                database.back_off(faults)
                feed.rewind()
                continue
            faults = 0 if tally.done else faults
            if ending := self.heed_outcomes(tally):
                return ending
            if self.should_stop():
                return self.release()
            if (tally.stopped or time.monotonic() >= self.next_look) and (ending := self.look(feed)):
                return ending
            self.turns.give_way()

    def heed_outcomes(self, tally: Tally) -> Ending | None:
        """Whether the items of a chunk, or what became of them, let the run go on; None: they do."""
        interruption = tally.interruption
        self.heed_retry_after(tally)
        if isinstance(interruption, Stop):
            return self.halt(Reason("stopped", interruption.text), Want.STOP)
        if tally.ended and (ending := self.heed_limit()):
            return ending
        if isinstance(interruption, Wait):
            return self.wait(interruption.seconds, interruption.text)
        if tally.ended and (outage := limits.outage(self.part, self.work.operation, tally)):
            return self.wait(*outage)
        return None

    def heed_retry_after(self, tally: Tally) -> None:
        """Where an answer has asked for a pause, let all workers keep it that share the rate."""
        allowance = self.work.allowance
        if allowance and (asked := max((pause_asked_for(ended.error) for ended in tally.ended), default=0.0)):
            allowance.hold_off(asked)

    def heed_limit(self) -> Ending | None:
        """Whether too much has failed; None: the run may go on."""
        operation = self.work.operation
        if not self.part.failed or not (reason := limits.limit_reached(self.part, operation)):
            return None
        ends = operation.has_steps() or (operation.tolerance and operation.tolerance.then == "fail")
        return self.halt(reason, Want.STOP if ends else Want.PAUSE)

    def heed_failed_step(self) -> Ending | None:
        """No step is begun behind one that has failed, if its worker died before the run had ended."""
        return self.heed_limit() if self.work.operation.has_steps() else None

    def bury(self, commit: Commit) -> Ending | None:
        """An item that is guilty is written down, and the run goes on, unless there were several."""
        if (verdict := limits.guilty(self.part, self.work.operation)) is None:
            return None
        tally = self.leave_out(commit, verdict)
        reason = limits.too_many(self.part) if tally.done and verdict.code == "database-fault" else None
        return self.halt(reason) if reason else None

    def leave_out(self, commit: Commit, verdict: Left) -> Tally:
        """Write the next item down as failed without running it."""
        while not commit.feed.ready(time.monotonic() + LOOK_EVERY):
            if commit.feed.ended or self.should_stop():
                return Tally()
        return commit.left_out(verdict)

    def close(self) -> Ending:
        """The part's end is reached; the last one goes on to the run's finish."""
        self.settle()
        if ending := self.heed_limit():
            return ending  # whoever was to look behind the last chunk may have died
        if passes.is_left(self.part):
            return Ending.GIVEN_BACK if passes.begin_pass(self.part) else self.give_in()
        closed = endings.close_part(self.part, has_finish=self.work.operation.declares("on_finish"))
        if not closed.wanted:
            return self.give_in()
        if closed.finish is None:
            return Ending.DONE
        self.part = closed.finish
        return self.finish()

    def finish(self) -> Ending:
        """Call `on_finish` and end the run with its result."""
        operation = self.work.operation
        if self.should_stop():
            return self.release()
        database.bound_idle_transactions(STEP_LIMIT)
        self.pulse.begin(STEP_LIMIT)

        def conclude() -> Any:
            result = ask("Its on_finish failed.", lambda: self.work.hook(partial(result_of, operation)))
            self.work.holding.confirm()
            output.write_lines(self.part, self.work.said.lines)
            return result

        finished = endings.finish(self.part, conclude)
        return Ending.DONE if finished else self.give_in()


def result_of(operation: Operation) -> Any:
    """What `on_finish` gives. Raises TypeError when it isn't JSON that every database keeps."""
    result = operation.on_finish()
    try:
        return plain_json(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"on_finish() returned {result!r:.200}, which is not JSON ({error}).") from error
