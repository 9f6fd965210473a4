"""A claimed part with all that is needed to do its items; the lines of its log that aren't stored yet; and which errors
say nothing about an item."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import get_ident
from typing import Any, TypeVar

from django.db import connection
from django.utils.functional import Promise

from headway.database import is_lost, is_transient, undone
from headway.database.turns import Turns
from headway.errors import MissingParam
from headway.models import Part
from headway.operations.base import Operation
from headway.operations.kept import kept_value
from headway.operations.outcomes import Verdict
from headway.operations.sources import Source
from headway.store.parts.outcomes import storable

from .allowance import Allowance
from .guard import Guard
from .holding import Holding
from .loading import OperationError, add_nowhere, as_declared, ask, load, source_of, write_nowhere
from .pulse import Pulse
from .tally import Tally

LINES_AT_ONCE = 20  # lines that may be said one upon the other; in the long run it is one a second
MOST_FOUND = 1_000  # keys in a chunk, behind which it ends: they are stored while it holds the database

T = TypeVar("T")


class Work:
    """What the slice, its feed and its chunks share. `operation` and `source` are there once they are loaded."""

    operation: Operation
    source: Source[Any]

    def __init__(self, part: Part, should_stop: Callable[[], bool], pulse: Pulse, holding: Holding) -> None:
        self.part = part
        self.should_stop = should_stop
        self.pulse = pulse
        self.holding = holding
        self.guard = Guard()
        self.turns = Turns()
        self.tally: Tally | None = None
        """Of the chunk whose items are being done."""
        self.thread = get_ident()
        self.message = "" if part.setbacks else part.message  # which says then that it is tried again
        self.said = Said(part.changed)  # as it is just claimed
        self.allowance: Allowance | None = None
        """Where the operation has a rate; once its items are begun."""
        self.waited_before = 0.0

    def load(self) -> None:
        """Make the operation anew. Raises OperationError."""
        self.operation = ask(
            "Its operation can't be loaded.",
            lambda: load(self.part.run, self.say, self.write, self.add, self.holding.held.fences),
        )

    def open_source(self) -> None:
        """Ask the operation for its items. Raises OperationError."""
        self.source = ask(
            "Its items can't be found.",
            lambda: as_declared(self.operation, source_of(self.operation, self.part.run)),
        )

    @property
    def paces_process(self) -> bool:
        """Whether each item of a chunk takes a moment of the rate, and not what is called before or around it."""
        return self.allowance is not None and not (self.operation.declares("prepare") or self.operation.is_outside())

    def may_begin(self, until: float) -> bool:
        """Whether a chunk may begin, by the rate, at the latest at `until`. Outside any transaction."""
        allowance, careful = self.allowance, self.operation.declares("prepare") and self.part.careful
        if allowance is None or not (self.paces_process or careful):
            return True  # what prepares, or calls, asks itself
        self.pulse.rest()
        if careful:  # its one item is prepared in the chunk's stead, once it is on record
            return allowance.wait(until) and allowance.take() is not None
        return allowance.wait(until, together=True)

    def waited(self) -> float:
        """Seconds for which the rate alone has kept the worker waiting since this was asked last."""
        if self.allowance is None:
            return 0.0
        waited, self.waited_before = self.allowance.waited - self.waited_before, self.allowance.waited
        return waited

    def load_again(self) -> None:
        """Forget all that the operation has gathered, since something it was gathered from was rolled back."""
        self.load()
        self.open_source()

    def write(self, line: str) -> None:
        """A row of the run's file, by the item in hand. Raises RuntimeError outside `process`."""
        if self.tally is None or get_ident() != self.thread:
            write_nowhere(line)
        else:
            self.tally.write(line)

    def add(self, keys: list[str]) -> None:
        """Items that the item in hand has found. Raises RuntimeError outside `process`."""
        if self.tally is None or get_ident() != self.thread:
            add_nowhere(keys)
        elif self.tally.find(keys) >= MOST_FOUND:
            self.turns.fill()

    def keep(self, value: Any) -> None:
        """What `process` returned for the item in hand. Raises NotKept."""
        if self.tally is not None:
            self.tally.keep(kept_value(value))

    def trial(self) -> AbstractContextManager[None]:
        """Around the operation's effects, inside a transaction: a dry run undoes them, once they have been judged."""
        return undone(self.guard.written) if self.part.run.dry_run else nullcontext()

    def hook(self, call: Callable[[], T]) -> T:
        """What one of the operation's own hooks gives; of its effects the same holds."""
        if not self.part.run.dry_run:
            return call()
        with connection.execute_wrapper(self.guard), self.trial():
            return call()

    def say(self, text: str) -> None:
        """The run's message, and a line of its log; both are stored with the next checkpoint. Raises TypeError."""
        if not isinstance(text, str | Promise):
            raise TypeError(f"say() takes text, not {text!r:.200}.")
        self.message = storable(text, 255)
        self.said.note(self.message)


def refuse_faults(work: Work, error: Exception) -> None:
    """Raise what says something about the database or the operation instead of the item: it isn't judged by it."""
    if isinstance(error, Verdict):
        return  # what it caught on its way is its own business
    if isinstance(error, OperationError):
        raise error
    if isinstance(error, MissingParam):
        raise OperationError(f"Its items can't be done. {error}") from error
    if is_transient(error) or (is_lost(error) and work.guard.is_own(error)):
        raise error


class Said:
    """Lines of the run's log that aren't stored yet. More than may be kept are passed over, as is what repeats the one
    before it."""

    def __init__(self, now_ms: int) -> None:
        self.lines: list[tuple[int, str]] = []
        """When each was said, by the database's clock in ms, which stands at `now_ms`; and what."""
        self.offset_ms = now_ms - time.monotonic() * 1000
        self.last = ""
        self.room = float(LINES_AT_ONCE)
        self.counted = time.monotonic()

    def note(self, text: str) -> None:
        """This was said. Called for each item, maybe, and from any thread."""
        now = time.monotonic()
        self.room, self.counted = min(LINES_AT_ONCE, self.room + now - self.counted), now
        if self.room >= 1 and text and text != self.last:
            self.room -= 1
            self.last = text
            self.lines.append((round(self.offset_ms + now * 1000), text))

    def stored(self, count: int) -> None:
        """The first lines, so many, are committed."""
        del self.lines[:count]

    def forget(self) -> None:
        """The chunk in which they were said is undone: what it says when it is done again counts."""
        self.room += len(self.lines)
        self.lines.clear()
        self.last = ""
