"""Steps, one after the other: done on a thread, with no transaction around them, while the worker's own looks up.

The step is on record before it is begun, with how often; so one that kills its workers is found. What ends in the midst
of it (a kill, a pause, a fault of the database) leaves it to be done again from its beginning.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from django.db import connection

from headway.conf import conf
from headway.database import forget, is_lost, is_transient
from headway.errors import MissingParam
from headway.models import Part
from headway.operations.base import Operation
from headway.operations.outcomes import Interruption, Verdict, Wait
from headway.operations.sources import Entry
from headway.operations.steps import StepInterrupted
from headway.runner.loading import OperationError
from headway.runner.pulse import Pulse
from headway.runner.surroundings import begin_thread
from headway.runner.tally import Entries, Left, Tally
from headway.runner.verdicts import sentence
from headway.signals import run_changed
from headway.states import Want, keep_pace
from headway.store.parts import checkpoints, leases

from .way import Way

log = logging.getLogger(__name__)

TICK = 0.1  # s between two looks at whether the worker is to stop
LOOK_EVERY = 0.4  # s: a pause or a cancel is to be seen within a second
TELL_EVERY = 0.4  # s between two writes of how far it is, however often it says so
MOST_STARTS = 4  # of one step: it is what kills its workers
NOTHING_DONE: dict[str, Any] = {"done": None, "total": None, "pace": []}


class Stepwise(Way):
    """A step at a time."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.part: Part = self.work.part
        self.next_look = self.next_tell = 0.0

    @classmethod
    def fits(cls, operation: Operation) -> bool:
        return operation.has_steps()

    def advance(self, budget: float) -> Tally:
        if leases.look(self.part).want != Want.RUN:
            return Tally(stopped=True)  # asked for while the step before ended: nothing is begun any more
        entry: Entry[Any] = next(self.feed.entries(1, 0))
        name = entry[1]
        known = self.known(name)
        if isinstance(entry[2], Exception):
            return self.end(entry[2])
        if known["begun"] and known["starts"] >= MOST_STARTS:
            text = f"Its worker died {known['starts']} times while doing it, so it was left out."
            return self.end(Left("worker-died", text))
        return self.do_step(name, known)

    def known(self, name: str) -> dict[str, Any]:
        """What earlier workers have left of this step."""
        left: dict[str, Any] | None = self.part.step
        if left and left["name"] == name:
            return left
        return {"name": name, "begun": False, "starts": 0, "attempts": 0}

    def do_step(self, name: str, known: dict[str, Any]) -> Tally:
        self.work.load()  # made anew for each: what a step leaves on `self` would be gone after a crash
        self.work.operation.attempt = known["attempts"] + 1
        step = Step(self.work.operation, name, self.work.pulse, self.work.part)
        self.tell(
            known | NOTHING_DONE | {"begun": True, "starts": known["starts"] + 1, "pace": self.pace([], None, None)}
        )
        try:
            step.look = lambda: self.look(step)
            step.start()
            while not step.over.wait(TICK):
                self.look(step)
        except BaseException:
            step.stop()
            raise
        finally:
            self.work.pulse.rest()
        return self.heed(step.error, known)

    def look(self, step: "Step") -> None:
        """Whether the step is to end, and how far it is. Raises Fenced; a fault of the database waits for the next."""
        if self.work.should_stop():
            step.stop()
        now = time.monotonic()
        try:
            if now >= self.next_look:
                self.next_look = now + LOOK_EVERY
                if leases.look(self.part).want != Want.RUN:
                    step.stop()
            if now >= self.next_tell:
                self.next_tell = now + TELL_EVERY
                self.tell_figures(step)
        except Exception as error:
            if not (is_transient(error) or is_lost(error)):
                raise
            log.warning("part=%s run=%s event=step-not-told error=%r", self.part.pk, self.part.run_id, error)
            if is_lost(error):
                forget()

    def tell_figures(self, step: "Step") -> None:
        done, total = step.figures
        there: Any = self.part.step
        if (there["done"], there["total"]) != (done, total) or self.work.said.lines:
            self.tell(there | {"done": done, "total": total, "pace": self.pace(there["pace"], done, total)})

    def pace(self, marks: list[list[int]], done: float | None, total: float | None) -> list[list[int]]:
        """In thousandths of the step, from which the time that is left follows."""
        return keep_pace(marks, self.commit.now_ms, int(min(1000, done * 1000 / total)) if done and total else 0)

    def tell(self, stand: dict[str, Any]) -> None:
        """Write down how the step stands. Raises Fenced, and errors of the database."""
        began = time.monotonic()
        said = self.work.said.lines[:]
        checkpoints.note_step(self.part, stand, self.work.message, said)
        self.work.pulse.renewed = began
        self.work.said.stored(len(said))
        run_changed.send_robust(sender=Part, run_id=self.part.run_id)

    def heed(self, error: BaseException | None, known: dict[str, Any]) -> Tally:
        """What has become of the step. Raises OperationError, and faults of the database."""
        waits = known | {"begun": False}
        if isinstance(error, StepInterrupted):
            return self.put_back(waits, Tally(stopped=True))
        if isinstance(error, Interruption):
            return self.put_back(waits, Tally(interruption=error))
        if not isinstance(error, Exception):
            return self.end(RuntimeError(f"It raised {error!r}.") if error else None)
        if self.work.operation.retry.covers(error):
            return self.try_again(error, waits)
        if not isinstance(error, Verdict):
            self.refuse_faults(error, waits)
        return self.end(error)

    def refuse_faults(self, error: Exception, waits: dict[str, Any]) -> None:
        """Raise what says something about the database or the operation: the step isn't judged by it."""
        if isinstance(error, MissingParam):
            self.put_back(waits, Tally())
            raise OperationError(f"Its step can't be done. {error}") from error
        if is_transient(error) or is_lost(error):
            self.put_back(waits, Tally())
            raise error

    def try_again(self, error: Exception, waits: dict[str, Any]) -> Tally:
        """The same step, later, while it has attempts left."""
        retry, attempts, text = self.work.operation.retry, waits["attempts"] + 1, sentence(error, self.work.operation)
        if attempts >= retry.attempts:
            left = Left(self.work.operation.code_for(error), f"{text} It was tried {attempts} times.")
            left.__cause__ = error
            return self.end(left)
        wait = Wait(retry.seconds_until(attempts, error), f"Attempt {attempts} failed, it is tried again. {text}")
        return self.put_back(waits | {"attempts": attempts}, Tally(interruption=wait))

    def put_back(self, stand: dict[str, Any], tally: Tally) -> Tally:
        """The step is to be begun anew."""
        self.tell(stand | NOTHING_DONE)
        return tally

    def end(self, error: Exception | None) -> Tally:
        """The step has ended: commit it with the checkpoint behind it."""

        def count(entries: Entries, tally: Tally, deadline: float) -> None:
            checkpoints.forget_step(self.part)
            tally.count(next(entries), error)

        tally = self.commit(count, 0, most=1, begins=False)
        self.part.step = None
        return tally


Stepwise.careful = Stepwise  # each step is on record before it is begun, whoever has died


class Step:
    """One call of a step's method, on a thread of its own, so that the worker's can look up and tell how far it is."""

    def __init__(self, operation: Operation, name: str, pulse: Pulse, part: Part) -> None:
        self.operation, self.name, self.pulse, self.part = operation, name, pulse, part
        self.figures: tuple[float | None, float | None] = None, None
        """How far it has come, as it has said last: done, total."""
        self.error: BaseException | None = None
        self.stopped = False
        """Whether it is to end: its next `progress` ends it."""
        self.over = threading.Event()
        self.lease = conf().lease_seconds
        self.inline = connection.in_atomic_block  # in a test's own transaction, whose rows no thread would see
        self.look: Callable[[], None] = lambda: None
        """Called by `progress` where the step has no thread of its own."""
        operation._progress = self.report

    def start(self) -> None:
        """Begin it; `over` is set when it has ended."""
        self.pulse.begin(self.operation.item_timeout)
        if self.inline:
            self.make()
        else:
            begin_thread(f"headway-step-{self.name}", self.part, self.make)

    def stop(self) -> None:
        """End it as soon as it hears of it."""
        self.stopped = True

    def report(self, done: float | None, total: float | None) -> None:
        """What the operation's `progress` does. Raises StepInterrupted."""
        if done is not None:
            self.figures = done, total
        if self.inline:
            self.look()
        if self.stopped or self.is_late:
            raise StepInterrupted(f"The step {self.name!r} ends here: its run is paused or cancelled, or its worker.")
        self.pulse.begin(self.operation.item_timeout)

    @property
    def is_late(self) -> bool:
        """Whether the worker has been frozen for so long that another may have taken over."""
        return time.monotonic() - self.pulse.renewed > self.lease

    def make(self) -> None:
        try:
            copy_context().run(self.operation.process, self.name)
        except BaseException as error:  # noqa: BLE001  (its verdict, told by the worker's own thread)
            self.error = error
        finally:
            self.over.set()
