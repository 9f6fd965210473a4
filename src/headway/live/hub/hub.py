"""The hub of one event loop: its watchers, how each run was seen last, and telling the ones of the other.

All of it runs on the loop. What it knows comes from its feed, a thread.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from headway.conf import conf
from headway.live.admission.gate import Gate
from headway.live.admission.permits import Permits
from headway.signals import watchers_changed

from .feed import Feed
from .messages import Update
from .reader import Found, Wanted
from .sending import Pump
from .shutdown import before_shutdown
from .watchers import Roster, Topic, Watcher

PATIENCE = 5.0  # s that an opening waits to hear how the run is; the feed needs a few ms
WARM = 10.0  # s after a short poll, in which the next is answered from memory
FRESH = 2.0  # s after the feed's last word, in which short polls are answered from memory; rounds take a few ms
BLIND = 10.0  # s without a database, after which watchers are sent away
FULL = "overloaded", "There is no room for another stream just now; poll."
TOO_MANY = "too-many-streams", "You have as many streams open as one may have. Close one, or poll."
SPREAD_MS = 2_000  # within which watchers come back that were sent away together


class NoRoom(Exception):
    """For a watcher here, or one more of this user, or the database is too late. Its arguments: a problem's words."""


class Hub:
    """Made by `Hub.here` at the first watch, so that it belongs to the process that serves, and not to its parent.

    Its `permits` say who may watch.
    """

    made: ClassVar[dict[asyncio.AbstractEventLoop, Hub]] = {}
    ends: ClassVar[dict[asyncio.AbstractEventLoop, bool]] = {}
    """Whether the process has been told to end, for each event loop on which it is waited for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, prefix: str) -> None:
        self.loop, self.pump = loop, Pump(loop)
        self.permits = Permits(Gate())
        self.topics: dict[UUID, Topic] = {}
        self.rosters: dict[str, Roster] = {}
        self.watchers: dict[Watcher, None] = {}
        self.watchers_of: Counter[str] = Counter()
        self.is_closing = self.ends.get(loop, False)
        self.heard_at = -math.inf  # by the loop's clock, when the feed last had something to say
        self.feed = Feed(partial(self.on_loop, self.found), partial(self.on_loop, self.failed), prefix)
        self.feed.start()

    @classmethod
    def here(cls, prefix: str) -> Hub:
        """This event loop's; `prefix` is where the project is mounted, the same for all its requests."""
        loop = asyncio.get_running_loop()
        if loop not in cls.made:
            cls.expect_end()
            cls.made[loop] = cls(loop, prefix)
        return cls.made[loop]

    @classmethod
    def expect_end(cls) -> None:
        """Send the watchers of this event loop away before the process ends, also one who comes first while it does."""
        loop = asyncio.get_running_loop()
        if loop not in cls.ends:
            cls.clear_closed()
            cls.ends[loop] = False
            before_shutdown(loop, partial(cls.end, loop))

    @classmethod
    def end(cls, loop: asyncio.AbstractEventLoop, told: Callable[[], None]) -> None:
        """The process ends: send all watchers away, elsewhere or later; then call this."""
        cls.ends[loop] = True
        if hub := cls.made.get(loop):
            hub.is_closing = True
            hub.send_away(hub.watchers, "shutdown", told)
        else:
            told()

    @classmethod
    def clear_closed(cls) -> None:
        """Let go of event loops that have ended, with their threads."""
        for loop in [loop for loop in cls.ends if loop.is_closed()]:
            del cls.ends[loop]
            if hub := cls.made.pop(loop, None):
                hub.feed.stop()
                hub.permits.gate.threads.shutdown(wait=False)

    # For a request.

    def add(self, watcher: Watcher) -> None:
        """Tell this watcher of every change until it leaves. Raises NoRoom."""
        settings = conf()
        if len(self.watchers) >= settings.streams_per_process:
            raise NoRoom(*FULL)
        if self.watchers_of[watcher.user_key] >= settings.streams_per_user:
            raise NoRoom(*TOO_MANY)
        self.watchers[watcher] = None
        self.watchers_of[watcher.user_key] += 1
        watchers_changed.send_robust(sender=Hub, watchers=len(self.watchers))
        self.watched_by(watcher).watchers[watcher] = None
        if self.is_closing:
            watcher.rotate("shutdown", SPREAD_MS)

    def remove(self, watcher: Watcher) -> None:
        if watcher not in self.watchers:
            return
        del self.watchers[watcher]
        self.watchers_of[watcher.user_key] -= 1
        watchers_changed.send_robust(sender=Hub, watchers=len(self.watchers))
        if not self.watchers_of[watcher.user_key]:
            del self.watchers_of[watcher.user_key]
        del self.watched_by(watcher).watchers[watcher]
        if watcher.run_id is None:
            self.tidy_roster(watcher.user_key)
        else:
            self.tidy(watcher.run_id)

    async def look(self, watcher: Watcher) -> Sequence[Update]:
        """How what it watches is now: a run (none, when it isn't there) or all of its user's. Raises NoRoom."""
        asked_in = self.feed.want(lambda wanted: wanted.open(watcher.run_id, watcher.user_key))
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.watched_by(watcher).wait(asked_in)
        except TimeoutError:
            raise NoRoom(*FULL) from None

    def latest(self, run_id: UUID) -> Update | None:
        """How the run was seen last, if it is watched or polled."""
        topic = self.topics.get(run_id)
        return topic.latest if topic else None

    @property
    def is_blind(self) -> bool:
        """Whether what was seen last may be old: the database fails, or doesn't answer."""
        return self.loop.time() - self.heard_at > FRESH

    def keep_warm(self, run_id: UUID) -> None:
        """Go on looking at the run for 10 s, even without a watcher."""
        topic = self.topic(run_id)
        if topic.latest is None:
            self.feed.want(lambda wanted: wanted.opening_runs.add(run_id))
        if topic.warm_until is None:
            self.loop.call_later(WARM, self.cool, run_id)
        topic.warm_until = self.loop.time() + WARM

    # What the feed tells.

    def on_loop(self, call: Callable[..., None], *given: Any) -> None:
        """Called on the feed's thread."""
        try:
            self.loop.call_soon_threadsafe(call, *given)
        except RuntimeError:
            self.feed.stop()  # the loop is closed, and with it all streams

    def found(self, number: int, wanted: Wanted, found: Found) -> None:
        """What is new, and what openings wait for."""
        self.heard_at = self.loop.time()
        for run_id, user_key in found.owners.items():
            if user_key in self.rosters:
                self.topic(run_id).user_key = user_key
        for update in found.news:
            self.publish(update)
        for run_id in (wanted.opening_runs - found.held_back) & self.topics.keys():
            topic, now = self.topics[run_id], found.now.get(run_id)
            topic.latest = topic.latest or now
            topic.answer(number, [now] if now else [])
        for user_key in wanted.opening_users & self.rosters.keys():
            theirs = [run_id for run_id, owner in found.owners.items() if owner == user_key]
            self.rosters[user_key].answer(number, [found.now[run_id] for run_id in theirs if run_id in found.now])
        for run_id in found.gone & self.topics.keys():
            topic = self.topics[run_id]
            topic.latest = None
            topic.line.clear()
            self.send_away(topic.watchers, "gone")
        for run_id in found.owners.keys() & self.topics.keys():
            topic = self.topics[run_id]
            topic.latest = topic.latest or found.now.get(run_id)  # its end may have been told before it was a topic
            self.tidy(run_id)

    def failed(self, seconds: float) -> None:
        """The database hasn't been read for this long. Most often it comes back, so watchers are kept at first."""
        self.heard_at = -math.inf
        if seconds > BLIND:
            self.send_away(self.watchers, "database")

    # Telling.

    def publish(self, update: Update) -> None:
        """Tell all that watch the run; a watcher that has yet to be told of the update before gets this one instead."""
        topic = self.topics.get(update.run_id)
        if topic is None:
            return
        roster = self.rosters.get(topic.user_key or "")
        watchers = [*topic.watchers, *(roster.watchers if roster else ())]
        before, late = topic.latest, bool(topic.line)
        if before is not None and update.run["revision"] < before.run["revision"]:
            self.send_away(watchers, "restored")  # they take an older revision only from an opening
        topic.whole = late and before is not None and (topic.whole or before.push is before.whole)
        topic.latest = update
        topic.line = deque(dict.fromkeys([*topic.line, *watchers]))
        if topic.line and not late:
            self.pump.add(self.send_latest(topic))

    def send_latest(self, topic: Topic) -> Iterator[None]:
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

    def watched_by(self, watcher: Watcher) -> Roster:
        """Its run, or its user."""
        return self.roster(watcher.user_key) if watcher.run_id is None else self.topic(watcher.run_id)

    def topic(self, run_id: UUID) -> Topic:
        if run_id not in self.topics:
            self.topics[run_id] = Topic()
            self.feed.want(lambda wanted: wanted.runs.add(run_id))
        return self.topics[run_id]

    def roster(self, user_key: str) -> Roster:
        if user_key not in self.rosters:
            self.rosters[user_key] = Roster()
            self.feed.want(lambda wanted: wanted.users.add(user_key))
        return self.rosters[user_key]

    def cool(self, run_id: UUID) -> None:
        """Without a poll for a while, stop looking at the run for polls."""
        topic, now = self.topics[run_id], self.loop.time()
        if topic.warm_until is not None and topic.warm_until > now:
            self.loop.call_at(topic.warm_until, self.cool, run_id)
        else:
            topic.warm_until = None
            self.tidy(run_id)

    def tidy(self, run_id: UUID) -> None:
        """Drop the run when it has neither watchers nor polls."""
        topic = self.topics.get(run_id)
        if topic is None or topic.watchers or topic.warm_until is not None:
            return
        if topic.user_key in self.rosters and not (topic.latest and topic.latest.run["done"]):
            return
        del self.topics[run_id]
        self.feed.want(lambda wanted: wanted.runs.discard(run_id))

    def tidy_roster(self, user_key: str) -> None:
        """Drop the user, and their runs, without a watcher of them all."""
        if self.rosters[user_key].watchers:
            return
        del self.rosters[user_key]
        self.feed.want(lambda wanted: wanted.users.discard(user_key))
        for run_id in [run_id for run_id, topic in self.topics.items() if topic.user_key == user_key]:
            self.tidy(run_id)
