"""What an operation with effects outside is fed with: items in the source's order, of which some are under way."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from headway import database
from headway.operations.sources import Entry
from headway.store.parts.leases import STEP_LIMIT

from . import limits
from .calls import Calls
from .earlier import known_of, taken_over, verdict_on
from .feed import Feed
from .in_hand import Work
from .loading import OperationError, ask
from .reading import UNREADABLE, attempts_before, read, told
from .slots import Slot, Stand, Turn, in_doubt
from .tally import Tally

LOOK_EVERY = 0.1  # s between two looks at whether to stop, and at what hangs, while calls are waited for
GATHER = 0.002  # s for which others are waited for once a call has returned: what a commit for each would cost
SETTLED_BEHIND = 200  # items behind one that is slow; more would make what is written down too long
MOST_HUNG = 100  # calls that are given up, each with its thread; then the worker is replaced


class Flight(Feed):
    """A window over the source: items that are settled behind one that isn't, under way, or due."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        operation = work.operation
        self.calls = Calls(work)
        self.window = operation.window or 2 * operation.threads  # so that no thread waits for a commit
        self.slots: list[Slot] = []
        self.written: list[list[Any]] = work.part.flight or []
        """The flight, as it is committed."""
        self.tail = self.written[-1][1] if self.written else work.part.cursor
        self.reading: Iterator[Entry[Any]] | None = None
        self.ahead: list[Entry[Any]] = []
        self.fault: OperationError | None = None
        """What reading came to behind those that are ahead."""
        self.source_ended = self.winding_up = False
        self.restored = not self.written
        self.hung = 0
        self.sync_before = database.sync_each_commit()

    def ready(self, until: float) -> bool:
        if not self.restored:
            self.restored, self.slots = True, taken_over(self.work, self.written)
        while True:
            self.collect(0)
            near = self.reserve()
            if self.has_returned or self.may_begin:
                self.read_ahead()
                return True
            if not self.is_under_way and self.waits_for_rate:
                if not near or not self.wait_for_rate(until):
                    return False
                continue
            if not self.is_under_way:
                self.ended = not (self.is_half_done or self.winding_up)
                return self.is_half_done
            left = until - time.monotonic()
            if left <= 0 or (self.work.should_stop() and not self.winding_up):
                return False
            self.collect(min(LOOK_EVERY, left, self.next_in))
            self.give_up_hung()

    def entries(self, most: int, deadline: float) -> Iterator[Entry[Any]]:
        """What comes behind all that was ever begun, as it is now."""
        source = self.work.source
        if source.may_change or self.reading is None:
            source.at_once = max(1, most)
            self.reading = read(self.work.part, source, self.tail)
        return self.reading

    def turn(self, tally: Tally) -> Turn:
        """Count what has returned, and choose what is begun next; nothing moves before that is committed."""
        turn = Turn(self.slots)
        for slot in self.slots:
            if slot.returned and slot.stand == Stand.BEGUN:
                turn.end(slot, tally)
        room = self.room(returned=len(turn.stands))
        if self.work.allowance:
            room = min(room, self.work.allowance.ready)
        turn.begin([slot for slot in self.slots if slot.stand == Stand.DUE][: max(0, room)])
        room -= len(turn.begun)
        if room > 0 and not (self.source_ended or self.winding_up or len(self.slots) >= SETTLED_BEHIND):
            self.read_behind(turn, room, tally)
        return turn

    def read_behind(self, turn: Turn, room: int, tally: Tally) -> None:
        page = self.take(room)
        self.source_ended = len(page) <= room and not self.fault
        del page[room:]
        known = known_of(self.work.part, [key for _, key, _ in page])
        for entry in page:
            slot = Slot(entry)
            slot.attempts = attempts_before(self.work.part, entry)
            verdict = verdict_on(slot, known.get(entry[1]))
            turn.slots.append(slot)
            if verdict:
                slot.settle(verdict)
                turn.end(slot, tally)
            else:
                turn.begin([slot])

    def read_ahead(self) -> None:
        """Have what the next turn may begin, where that doesn't change: it may be an API's page, for which no
        transaction should wait. Raises OperationError where there is nothing before what can't be read."""
        if self.winding_up:
            return
        if not (self.work.source.may_change or self.source_ended or self.fault):
            self.work.pulse.begin(STEP_LIMIT)
            entries = islice(self.entries(self.window, 0), self.window + 1 - len(self.ahead))
            try:
                ask(UNREADABLE, lambda: self.ahead.extend(map(told, entries)))
            except OperationError as error:
                self.fault = error
        if self.fault and not self.ahead:
            raise self.fault

    def take(self, room: int) -> list[Entry[Any]]:
        """The next entries, and the one behind them: so the end is known without waiting until another may begin. Fewer
        where the source ends, or where it can't be read further."""
        if self.work.source.may_change:
            self.work.pulse.begin(STEP_LIMIT)
            return ask(UNREADABLE, lambda: [told(each) for each in islice(self.entries(room + 1, 0), room + 1)])
        page, self.ahead = self.ahead[: room + 1], self.ahead[room:]
        return page

    def room(self, returned: int = 0) -> int:
        """How many more may be under way, where so many have just returned."""
        if self.winding_up:
            return 0
        under_way = [slot for slot in self.slots if slot.stand == Stand.BEGUN]
        suspected = any(slot.starts > 1 for slot in self.slots if slot.stand != Stand.SETTLED)
        most = min(self.most_under_way, limits.most_at_once(self.work.part, self.work.operation) - returned)
        return (1 if suspected else most) - (len(under_way) - returned)

    @property
    def most_under_way(self) -> int:
        """As many as the window holds; under a rate, no more wait for a thread than get one in time."""
        allowance = self.work.allowance
        if allowance is None:
            return self.window
        return min(self.window, self.work.operation.threads + allowance.together)

    @property
    def may_begin(self) -> bool:
        return self.wants_to_begin and (self.work.allowance is None or self.work.allowance.ready > 0)

    @property
    def wants_to_begin(self) -> bool:
        """Whether there is something to begin, and a thread for it."""
        if self.room() <= 0:
            return False
        due = any(slot.stand == Stand.DUE for slot in self.slots)
        return due or not (self.source_ended or len(self.slots) >= SETTLED_BEHIND)

    def reserve(self) -> bool:
        """Hold moments for what is to begin. False: the next is too far away to be waited for."""
        allowance = self.work.allowance
        return not (allowance and self.wants_to_begin) or allowance.have()

    @property
    def waits_for_rate(self) -> bool:
        """Whether only the rate keeps the next item from being begun."""
        return self.work.allowance is not None and self.wants_to_begin

    def wait_for_rate(self, until: float) -> bool:
        """Wait for the next moment while nothing is under way. False: it hasn't come by then."""
        self.work.pulse.rest()
        return self.work.allowance is not None and self.work.allowance.wait(until)

    @property
    def next_in(self) -> float:
        """Seconds until the next item may begin, where that is known."""
        allowance = self.work.allowance
        return allowance.next_in if allowance and self.wants_to_begin and allowance.next_in else LOOK_EVERY

    @property
    def has_returned(self) -> bool:
        """Whether there is something to commit."""
        return any(slot.returned and slot.stand == Stand.BEGUN for slot in self.slots)

    @property
    def is_half_done(self) -> bool:
        return self.restored and (self.is_under_way or [slot.told for slot in self.slots] != self.written)

    @property
    def is_under_way(self) -> bool:
        """Whether anything is on record as begun that isn't settled."""
        return any(slot.stand == Stand.BEGUN for slot in self.slots)

    def collect(self, seconds: float) -> None:
        """Hear of the calls that have returned, within so many seconds."""
        if self.hung <= MOST_HUNG:
            self.work.pulse.begin(self.work.operation.item_timeout)
        if self.calls.next(seconds) is not None:
            until = time.monotonic() + GATHER
            while self.is_awaited and self.calls.next(until - time.monotonic()) is not None:
                pass

    @property
    def is_awaited(self) -> bool:
        """Whether a call is under way that hasn't returned."""
        return any(slot.stand == Stand.BEGUN and not slot.returned for slot in self.slots)

    def give_up_hung(self) -> None:
        """A call that takes too long is in doubt. Its thread can't be ended, so another takes its place."""
        limit = self.work.operation.item_timeout
        for slot in self.slots:
            if slot.began and not slot.returned and time.monotonic() - slot.began > limit:
                slot.hung = True
                slot.settle(in_doubt(f"It took longer than {limit:g} seconds, and was given up."))
                self.hung += 1
                if self.hung <= MOST_HUNG:
                    self.calls.start()

    def move(self, turn: Turn, flight: list[list[Any]]) -> None:
        """The turn is committed: what it says holds, and what it begins may go out."""
        turn.apply()
        if turn.slots:
            self.tail = turn.slots[-1].entry[0]
        self.slots = turn.slots[turn.settled_ahead :]
        self.written = flight
        if self.may_grow and self.source_ended:
            self.reading, self.source_ended = None, False
        self.calls.begin([slot for slot in turn.begun if self.has_moment(slot)])

    def has_moment(self, slot: Slot) -> bool:
        """Whether the rate lets its call go out. If not, as the commit has taken too long, it is due again."""
        allowance = self.work.allowance
        if allowance is None:
            return True
        moment = allowance.take()
        if moment is None:
            slot.wait_for_another_moment()
            return False
        slot.late_at = moment + allowance.moments.late
        return True

    def keep(self, done: int, seconds: float, budget: float) -> None:
        pass  # a turn moves it

    def rewind(self) -> None:
        super().rewind()
        self.reading, self.source_ended, self.fault = None, False, None
        self.ahead.clear()

    def wind_up(self) -> None:
        self.winding_up = True

    def close(self) -> None:
        self.calls.close()
        database.set_sync(self.sync_before)
