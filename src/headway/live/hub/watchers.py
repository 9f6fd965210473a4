"""A watcher: one open stream, socket or long poll, asleep until the hub calls it. Each transport is a subclass.
And what the hub keeps of each watched run, and of each user who watches all of theirs.

A watcher whose last message is still on its way gets only the newest of what comes meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar, Protocol
from uuid import UUID

from headway.conf import conf
from headway.errors import RunNotFound
from headway.live.admission.gate import Admission
from headway.live.answers import Answer, refusal
from headway.live.protocol import Event, Receive, Scope, Send

from .messages import Update
from .sending import NeedsTask, step

PLANNED_MS = 50  # within which a watcher comes back whose time was over, so that it misses little
JITTER = 0.2  # of a stream's life: watchers that came together are not to return together
GRACE = 5.0  # s in which a farewell must have got through; then the watcher is dropped
GOODBYES = ("http.disconnect", "websocket.disconnect")


class Home(Protocol):
    """What a watcher needs of its hub, which knows watchers."""

    loop: asyncio.AbstractEventLoop

    async def look(self, watcher: Watcher) -> Sequence[Update]:
        """How what it watches is now."""

    def remove(self, watcher: Watcher) -> None:
        """Forget it."""


class Watcher:
    """A watcher of a run, or of all runs of a user (`run_id` is None then)."""

    __slots__ = (
        "busy", "by_hand", "ending", "ends_at", "hub", "missed", "over", "run_id", "send", "sending", "sleeping",
        "timer", "user_key",
    )  # fmt: skip
    keep_alive_seconds: ClassVar[float] = math.inf

    def __init__(self, hub: Home, send: Send, user_key: str, run_id: UUID | None) -> None:
        self.hub, self.send, self.user_key, self.run_id = hub, send, user_key, run_id
        self.busy = True  # until its opening has been sent
        self.by_hand = True  # whether `send` can be stepped through without a task
        self.over = False
        self.missed: dict[UUID, Update] = {}  # the newest of each run
        self.ending: Sequence[Event] | None = None  # the last events; empty once they have been sent
        self.sending: asyncio.Task[None] | None = None
        self.sleeping: asyncio.Task[Any] | None = None
        self.ends_at = math.inf
        self.timer: asyncio.TimerHandle | None = None

    # What each transport does in its own way; a long poll has neither frames nor last ones, for its answer is both.

    async def begin(self, seen: Sequence[Update], admission: Admission, scope: Scope) -> Answer | None:
        """Send how things are, and be awake from then on; an answer instead, where that is all."""
        raise NotImplementedError

    @staticmethod
    async def refuse(send: Send, answer: Answer) -> None:
        """Answer that it can't be watched."""
        await answer.send(send)

    def frames(self, update: Update, *, whole: bool) -> Sequence[Event]:
        """An update; `whole`: for a watcher that may have missed something."""
        raise NotImplementedError

    def last_frames(self, update: Update) -> Sequence[Event]:
        """The run's end, and with it the watcher's."""
        raise NotImplementedError

    def farewell(self, reason: str, longest_ms: int) -> Sequence[Event]:
        """The watcher's end, though the run goes on; it is to come back within this time."""
        raise NotImplementedError

    def keep_alive(self) -> None:
        """Show that the connection is alive."""

    # What the hub calls. Each returns at once.

    def push(self, update: Update, *, whole: bool = False) -> None:
        """Tell it what is new."""
        if self.ending is not None:
            return
        if self.busy:
            self.missed[update.run_id] = update
        elif update.run["done"] and self.run_id is not None:
            self.end(self.last_frames(update))
        else:
            self.send_events(self.frames(update, whole=whole))

    def end(self, events: Sequence[Event]) -> None:
        """Send this and be over, as soon as what is still on its way has arrived."""
        if self.ending is None:
            self.ending = events
            if not self.busy:
                self.settle()

    def rotate(self, reason: str, longest_ms: int) -> None:
        """Send it away, to come back."""
        self.end(self.farewell(reason, longest_ms))

    def wake(self) -> None:
        """Its timer: show that it is alive, send it away, or drop it."""
        left = self.ends_at - self.hub.loop.time()
        if self.ending is not None:
            self.drop()
        elif left > 0:
            self.keep_alive()
            self.wake_in(min(self.keep_alive_seconds, left))
        else:
            self.rotate("lifetime", PLANNED_MS)
            self.wake_in(GRACE)

    def wake_in(self, seconds: float) -> None:
        if not self.over:
            self.timer = self.hub.loop.call_later(seconds, self.wake)

    # Its own life.

    async def watch(self, admission: Admission, scope: Scope, receive: Receive) -> Answer | None:
        """Open, and sleep until it is over; an answer instead, where there is nothing to watch. Raises NoRoom."""
        seen = await self.look()
        if self.run_id is not None and not seen:
            return refusal("not-found", str(RunNotFound(self.run_id)))
        answer = await self.begin(seen, admission, scope)
        if answer is None:
            await self.sleep(receive)
        return answer

    def send_events(self, events: Sequence[Event]) -> None:
        """Send these; a task goes on where the server makes us wait, or wants one around it."""
        self.busy = True
        for place, event in enumerate(events):
            if not self.by_hand:
                return self.go_on_in_task(events[place:])
            try:
                rest = step(self.send(event))
            except NeedsTask:
                self.by_hand = False
                return self.go_on_in_task(events[place:])
            except OSError:
                return self.drop()
            if rest is not None:
                return self.go_on_in_task(events[place + 1 :], rest)
        return self.settle()

    def go_on_in_task(self, events: Sequence[Event], rest: Awaitable[None] | None = None) -> None:
        self.sending = self.hub.loop.create_task(self.carry(events, rest))

    async def carry(self, events: Sequence[Event], rest: Awaitable[None] | None) -> None:
        """Send what couldn't be sent at once, and then the newest of what was missed meanwhile."""
        try:
            if rest is not None:
                await rest
            for event in events:
                await self.send(event)
        except Exception:  # noqa: BLE001  (a server may raise anything here; the client has gone)
            self.drop()
        else:
            self.sending = None
            self.settle()
            self.catch_up()

    def settle(self) -> None:
        """All has been sent; now the ending, if there is one."""
        self.busy = False
        if self.ending:
            ending, self.ending = self.ending, ()
            self.send_events(ending)
        elif self.ending is not None:
            self.drop()

    def catch_up(self) -> None:
        """Tell the newest of what was missed."""
        while self.missed and not self.busy:
            self.push(self.missed.pop(next(iter(self.missed))), whole=True)

    async def look(self) -> Sequence[Update]:
        """How what it watches is now: a run (none, when it isn't there) or all of its user's. Raises NoRoom."""
        seen = await self.hub.look(self)
        for update in seen:  # which may have been news, too
            if (missed := self.missed.get(update.run_id)) and missed.made_at <= update.made_at:
                del self.missed[update.run_id]
        return seen

    async def open(self, events: Sequence[Event], seconds: float) -> None:
        """Send the opening, and be told from then on, for this many seconds."""
        for event in events:
            await self.send(event)
        if not self.over:
            self.ends_at = self.hub.loop.time() + seconds
            self.wake_in(min(self.keep_alive_seconds, seconds))
            self.settle()
            self.catch_up()

    async def sleep(self, receive: Receive) -> None:
        """Until it is over, or the client has gone. What the client sends is ignored."""
        self.sleeping = task = asyncio.current_task()
        try:
            while not self.over and (await receive())["type"] not in GOODBYES:
                pass
        except asyncio.CancelledError:
            if task is None or not self.over:
                raise
            task.uncancel()  # it was `drop` that woke us
        finally:
            self.sleeping = None

    def drop(self) -> None:
        """Be over, and forgotten by the hub. May be called again."""
        if self.over:
            return
        self.over = True
        self.ending = ()
        self.hub.remove(self)
        if self.timer is not None:
            self.timer.cancel()
        if self.sending is not None:
            self.sending.cancel()
        if self.sleeping is not None:
            self.sleeping.cancel()


def lifetime() -> float:
    """Seconds that a stream or a socket lives."""
    return conf().stream_seconds * random.uniform(1 - JITTER, 1)


class Roster:
    """A user who watches all of theirs: the watchers, and those of them that wait for their opening."""

    __slots__ = ("waiting", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Watcher, None] = {}
        self.waiting: list[tuple[int, asyncio.Future[Sequence[Update]]]] = []

    def wait(self, asked_in: int) -> asyncio.Future[Sequence[Update]]:
        """The answer of that round or a later one: an earlier one may have looked too soon."""
        future: asyncio.Future[Sequence[Update]] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked_in, future))
        return future

    def answer(self, asked_in: int, answer: Sequence[Update]) -> None:
        """What that round has found."""
        due = [future for number, future in self.waiting if number <= asked_in and not future.done()]
        self.waiting = [(number, future) for number, future in self.waiting if number > asked_in]
        for future in due:
            future.set_result(answer)


class Topic(Roster):
    """A run that is watched, or polled."""

    __slots__ = ("latest", "line", "user_key", "warm_until", "whole")

    def __init__(self) -> None:
        super().__init__()
        self.latest: Update | None = None
        self.line: deque[Watcher] = deque()  # watchers that have yet to be told of `latest`
        self.whole = False  # whether one of them may have missed a snapshot
        self.user_key: str | None = None  # its owner, if they watch all of theirs
        self.warm_until: float | None = None  # until then short polls are answered from here
