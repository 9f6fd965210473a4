"""The hub of one event loop: who watches what, how each run was seen last, and telling the one of the other.

All of it runs on the loop. What it knows comes from its feed, a thread.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from headway.conf import conf
from headway.signals import watchers_changed
from headway.wakeups import Listener, Subject

from .feed import Feed
from .messages import Update
from .pump import Pump
from .reader import Found, Wanted
from .topics import Roster, Topic
from .watchers import Watcher
from .wheel import Wheel

__all__ = ["Hub", "Overloaded", "TooManyStreams"]

PATIENCE = 5.0  # s that who opens waits to hear how the run is; the feed needs a few ms
WARM = 10.0  # s after a short poll, in which the next is answered from memory
FRESH = 2.0  # s after the feed's last word, in which short polls are answered from memory; rounds take a few ms
BLIND = 10.0  # s without a database, after which watchers are sent away
SPREAD_MS = 2_000  # within so long come back those who were sent away together
Seen = TypeVar("Seen")


class Overloaded(Exception):
    """There is no room for another watcher here, or nobody could say in time how a run is."""


class TooManyStreams(Exception):
    """This user has as many open already as one may have."""


class Hub:
    """Made at the first watch, so that it belongs to the process that serves, whatever was loaded or forked before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, prefix: str) -> None:
        self.loop = loop
        self.pump, self.wheel = Pump(loop), Wheel[Watcher](loop, Watcher.wake)
        self.topics: dict[UUID, Topic] = {}
        self.rosters: dict[str, Roster] = {}
        self.watchers: dict[Watcher, None] = {}
        self.watchers_of: Counter[str] = Counter()
        self.is_closing = False
        self.heard_at = -math.inf  # by the loop's clock, when the feed last had something to say
        listener = Listener(Subject.RUN_CHANGED, self.hear)
        self.feed = Feed(partial(self.on_loop, self.found), partial(self.on_loop, self.failed), prefix, listener)
        self.feed.start()

    # For whoever serves a request.

    def join(self, watcher: Watcher) -> None:
        """Tell this watcher of every change until it leaves. Raises Overloaded, TooManyStreams."""
        settings = conf()
        if len(self.watchers) >= settings.streams_per_process:
            raise Overloaded
        if self.watchers_of[watcher.user_key] >= settings.streams_per_user:
            raise TooManyStreams
        self.watchers[watcher] = None
        self.watchers_of[watcher.user_key] += 1
        watchers_changed.send_robust(sender=Hub, watchers=len(self.watchers))
        if watcher.run_id is None:
            self.roster(watcher.user_key).watchers[watcher] = None
        else:
            self.topic(watcher.run_id).watchers[watcher] = None
        if self.is_closing:
            watcher.rotate("shutdown", SPREAD_MS)

    def leave(self, watcher: Watcher) -> None:
        """Forget it."""
        self.wheel.take_out(watcher, watcher.slot)
        if watcher not in self.watchers:
            return
        del self.watchers[watcher]
        self.watchers_of[watcher.user_key] -= 1
        watchers_changed.send_robust(sender=Hub, watchers=len(self.watchers))
        if not self.watchers_of[watcher.user_key]:
            del self.watchers_of[watcher.user_key]
        if watcher.run_id is None:
            del self.rosters[watcher.user_key].watchers[watcher]
            self.tidy_roster(watcher.user_key)
        else:
            del self.topics[watcher.run_id].watchers[watcher]
            self.tidy(watcher.run_id)

    async def look(self, run_id: UUID) -> Update | None:
        """How a run that is watched is now; None when it isn't there. Raises Overloaded."""
        return await in_time(self.topics[run_id].opening.wait(self.feed.open_run(run_id)))

    async def look_at_all(self, user_key: str) -> list[Update]:
        """How the runs are now of a user who watches all of theirs. Raises Overloaded."""
        return await in_time(self.rosters[user_key].opening.wait(self.feed.open_user(user_key)))

    def latest(self, run_id: UUID) -> Update | None:
        """How the run was seen last, if it is watched or polled."""
        topic = self.topics.get(run_id)
        return topic.latest if topic else None

    @property
    def is_blind(self) -> bool:
        """Whether what was seen last may be old: the database fails, or doesn't answer."""
        return self.loop.time() - self.heard_at > FRESH

    def keep_warm(self, run_id: UUID) -> None:
        """Go on looking at the run for 10 s, though nobody watches it."""
        topic = self.topic(run_id)
        if topic.latest is None:
            self.feed.open_run(run_id)
        if topic.warm_until is None:
            self.loop.call_later(WARM, self.cool, run_id)
        topic.warm_until = self.loop.time() + WARM

    # For those who hear of things elsewhere.

    def wake(self, run_ids: Iterable[UUID]) -> None:
        """These runs have changed: look at once, if anybody may want to know. To be called on any thread."""
        told = list(run_ids)
        if self.rosters or any(run_id in self.topics for run_id in told):
            self.feed.wake(told)

    def hear(self, said: str) -> None:
        """A wake-up from another process, on the listener's thread; nothing said: one may have been missed."""
        if not said:
            return self.feed.wake()
        try:
            run_id = UUID(said)
        except ValueError:
            return None  # whoever may use the channel may say anything
        return self.wake([run_id])

    def close(self, told: Callable[[], None]) -> None:
        """The process ends: tell everybody to come back, elsewhere or later; then call this."""
        self.is_closing = True
        self.send_away(self.watchers, "shutdown", told)

    # What the feed tells.

    def on_loop(self, call: Callable[..., None], *given: Any) -> None:
        """Called on the feed's thread."""
        try:
            self.loop.call_soon_threadsafe(call, *given)
        except RuntimeError:
            self.feed.stop()  # the loop is closed: nobody is there any more

    def found(self, number: int, wanted: Wanted, found: Found) -> None:
        """What is new, and what those want to hear who have just come."""
        self.heard_at = self.loop.time()
        for run_id, user_key in found.owners.items():
            if user_key in self.rosters:
                self.topic(run_id).user_key = user_key
        for update in found.news:
            self.publish(update)
        for run_id in wanted.opening_runs & self.topics.keys():
            topic, now = self.topics[run_id], found.now.get(run_id)
            topic.latest = topic.latest or now
            topic.opening.answer(number, now)
        for user_key in wanted.opening_users & self.rosters.keys():
            theirs = [run_id for run_id, owner in found.owners.items() if owner == user_key]
            self.rosters[user_key].opening.answer(
                number, [found.now[run_id] for run_id in theirs if run_id in found.now]
            )
        for run_id in found.gone & self.topics.keys():
            self.topics[run_id].clear()
            self.send_away(self.topics[run_id].watchers, "gone")
        for run_id in found.owners.keys() & self.topics.keys():
            topic = self.topics[run_id]
            topic.latest = topic.latest or found.now.get(run_id)  # its end may have been told before it was a topic
            self.tidy(run_id)

    def failed(self, seconds: float) -> None:
        """The database can't be read, for so long by now. Most often it comes back, so watchers are kept at first."""
        self.heard_at = -math.inf
        if seconds > BLIND:
            self.send_away(self.watchers, "database")

    # Telling.

    def publish(self, update: Update) -> None:
        """Tell all who watch the run; who hasn't yet been told of the one before gets this instead."""
        topic = self.topics.get(update.run_id)
        if topic is None:
            return
        roster = self.rosters.get(topic.user_key or "")
        watchers = [*topic.watchers, *(roster.watchers if roster else ())]
        before, late = topic.latest, bool(topic.line)
        if before is not None and update.run["revision"] < before.run["revision"]:
            self.send_away(watchers, "restored")  # they believe what is older only of an opening
        topic.whole = late and before is not None and (topic.whole or before.push is before.whole)
        topic.latest = update
        topic.line = deque(dict.fromkeys([*topic.line, *watchers]))
        if topic.line and not late:
            self.pump.add(self.serve(topic))

    def serve(self, topic: Topic) -> Iterator[None]:
        """Tell the topic's line, one at each step."""
        while topic.line:
            watcher = topic.line.popleft()
            assert topic.latest is not None
            watcher.push(topic.latest, whole=topic.whole)
            yield

    def send_away(self, watchers: Iterable[Watcher], reason: str, told: Callable[[], None] = lambda: None) -> None:
        """Tell these to come back, some earlier and some later; then call this."""
        away = list(watchers)

        def rotate() -> Iterator[None]:
            for watcher in away:
                watcher.rotate(reason, SPREAD_MS)
                yield
            told()

        self.pump.add(rotate())

    # Keeping what is wanted.

    def topic(self, run_id: UUID) -> Topic:
        if run_id not in self.topics:
            self.topics[run_id] = Topic()
            self.feed.watch(run_id)
        return self.topics[run_id]

    def roster(self, user_key: str) -> Roster:
        if user_key not in self.rosters:
            self.rosters[user_key] = Roster()
            self.feed.watch_user(user_key)
        return self.rosters[user_key]

    def cool(self, run_id: UUID) -> None:
        """If nobody has polled the run for a while, forget that somebody did."""
        topic, now = self.topics[run_id], self.loop.time()
        if topic.warm_until is not None and topic.warm_until > now:
            self.loop.call_at(topic.warm_until, self.cool, run_id)
        else:
            topic.warm_until = None
            self.tidy(run_id)

    def tidy(self, run_id: UUID) -> None:
        """Drop the run when nobody wants to know of it."""
        topic = self.topics.get(run_id)
        if topic is None or topic.watchers or topic.warm_until is not None:
            return
        if topic.user_key in self.rosters and not (topic.latest and topic.latest.run["done"]):
            return
        del self.topics[run_id]
        self.feed.unwatch(run_id)

    def tidy_roster(self, user_key: str) -> None:
        """Drop the user, and their runs, when nobody watches them all."""
        if self.rosters[user_key].watchers:
            return
        del self.rosters[user_key]
        self.feed.unwatch_user(user_key)
        for run_id in [run_id for run_id, topic in self.topics.items() if topic.user_key == user_key]:
            self.tidy(run_id)


async def in_time(answer: asyncio.Future[Seen]) -> Seen:
    """What is asked for, if it comes soon. Raises Overloaded."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except TimeoutError:
        raise Overloaded from None
