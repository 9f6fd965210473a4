"""One round of the hub's reading: from what is watched to what is new. No thread, no loop and no watcher in here."""

import math
import time
from dataclasses import dataclass, field
from uuid import UUID

from headway.snapshots import snapshots
from headway.states import State

from . import questions
from .messages import Update
from .questions import Mark

__all__ = ["Found", "Reader", "Wanted"]

MESSAGE_GAP = 0.25  # s; at most four messages a second about one run
WATCHED_GAP = 0.09  # s; so often all that is watched is asked for, and in between only what we were told of
CLOCK_GAP = 1.0  # s; so often is asked what changes without a commit: a lease that ran out, a worker that went
FULL_GAP = 5.0  # s; so often everything is asked, where otherwise only the feed of changes is
MANY = 1_000  # watched runs; above it, asking for each costs more than the feed
UNTOLD = (State.QUEUED, State.RUNNING)  # in these, that the last worker is gone is stored nowhere
MEMORY = 70.0  # s; longer than an ended run stays in its owner's stream, so that its end is told once


@dataclass
class Wanted:
    """What is watched, and for what somebody waits who has just come."""

    runs: set[UUID] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    opening_runs: set[UUID] = field(default_factory=set)
    opening_users: set[str] = field(default_factory=set)
    changed: set[UUID] = field(default_factory=set)
    """Of these we were told."""
    woken: bool = False
    """We were told that something may have changed."""

    def __bool__(self) -> bool:
        return bool(self.runs or self.users) or self.is_urgent

    @property
    def is_urgent(self) -> bool:
        return bool(self.opening_runs or self.opening_users or self.changed or self.woken)


@dataclass
class Found:
    """What a round has found: what is new, the runs of users that were asked for, and what isn't there any more."""

    news: list[Update] = field(default_factory=list)
    now: dict[UUID, Update] = field(default_factory=dict)
    owners: dict[UUID, str] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)


class Reader:
    """Remembers what has been told of each run, and finds what is to be told next."""

    def __init__(self) -> None:
        self.told: dict[UUID, Update] = {}
        self.shown: dict[UUID, bool] = {}  # seen since by who opened, and whether by more than a progress message
        self.commits: int | None = None
        self.held_back = False
        self.asked_watched = self.asked_clock = self.asked_all = -math.inf

    def read(self, wanted: Wanted) -> Found:
        """A round. Raises what the database raises; the next round then finds what this one should have."""
        now = time.monotonic()
        commits = questions.commits()
        clock = now - self.asked_clock >= CLOCK_GAP
        if commits is not None and commits == self.commits and not (clock or self.held_back or wanted.is_urgent):
            return Found()
        full = now - self.asked_all >= FULL_GAP
        partly = bool(wanted.changed) and not (wanted.woken or clock or full)
        partly = partly and now - self.asked_watched < WATCHED_GAP
        owners = self.owners(wanted, full)
        watched = wanted.runs & wanted.changed if partly else self.watched(wanted, full)
        asked = watched | wanted.opening_runs | self.unfinished(owners)
        marks = questions.marks(asked) if asked else {}
        self.held_back &= partly  # of the others nothing is known
        found = Found(gone=asked - marks.keys())
        opening = wanted.opening_runs | {run_id for run_id, user in owners.items() if user in wanted.opening_users}
        due, early = self.differing(marks, opening, now, clock)
        seen = self.look(due, early, now)
        found.news = self.tell({run_id: update for run_id, update in seen.items() if run_id in due})
        found.now = {
            run_id: update
            for run_id in opening - found.gone
            if (update := seen.get(run_id) or self.told.get(run_id)) is not None
        }
        found.owners = {run_id: user for run_id, user in owners.items() if run_id in marks or run_id in found.now}
        if not partly:
            self.commits, self.asked_watched = commits, now
        self.asked_clock = now if clock else self.asked_clock
        self.asked_all = now if full else self.asked_all
        if full:
            self.forget(wanted, now)
        return found

    def owners(self, wanted: Wanted, full: bool) -> dict[UUID, str]:
        """Runs of those who watch all of theirs: every one for who has just come, otherwise those that changed."""
        every = wanted.opening_users | wanted.users if full else wanted.opening_users
        found = questions.runs_of(every) if every else {}
        others = wanted.users - every
        return found | questions.runs_of_lately(others) if others else found

    def watched(self, wanted: Wanted, full: bool) -> set[UUID]:
        """Those of the watched runs for which it is worth asking."""
        if full or len(wanted.runs) <= MANY:
            return wanted.runs
        return wanted.runs & questions.changed_lately()

    def unfinished(self, run_ids: dict[UUID, str]) -> set[UUID]:
        """Those whose end hasn't been told."""
        return {run_id for run_id in run_ids if run_id not in self.told or not self.told[run_id].run["done"]}

    def differing(
        self, marks: dict[UUID, Mark], opening: set[UUID], now: float, clock: bool
    ) -> tuple[set[UUID], set[UUID]]:
        """At which runs to look: those about which there may be news, and those that only who opens may see so soon."""
        due, early = set(), set()
        for run_id, mark in marks.items():
            told = self.told.get(run_id)
            age = now - told.made_at if told else math.inf
            if told is None or mark.done > told.mark.done:
                due.add(run_id)
            elif (mark != told.mark or run_id in self.shown) and age < MESSAGE_GAP:
                self.held_back = True
                early |= {run_id} & opening
            elif mark != told.mark or run_id in self.shown or (clock and told.run["state"] in UNTOLD):
                due.add(run_id)
            elif run_id in opening and age > CLOCK_GAP and not mark.done:
                due.add(run_id)  # its rate and time left are old
        return due, early

    def look(self, due: set[UUID], early: set[UUID], now: float) -> dict[UUID, Update]:
        """How these runs are, and what is new of that."""
        seen = snapshots(due | early) if due or early else {}
        told = {run_id: before.run for run_id, before in self.told.items() if run_id in seen}
        updates = {
            run_id: Update(run, now, told.get(run_id), run_id in early, self.shown.get(run_id, False))
            for run_id, run in seen.items()
        }
        for run_id in early & updates.keys():
            self.shown[run_id] = updates[run_id].push is updates[run_id].whole
        return updates

    def tell(self, seen: dict[UUID, Update]) -> list[Update]:
        """Those that say something new; from now on they are told."""
        news = [
            update
            for run_id, update in seen.items()
            if (before := self.told.get(run_id)) is None
            or run_id in self.shown
            or (before.etag, before.mark) != (update.etag, update.mark)
        ]
        self.told |= seen
        self.shown = {run_id: more for run_id, more in self.shown.items() if run_id not in seen}
        return news

    def forget(self, wanted: Wanted, now: float) -> None:
        """Drop what nobody has watched for a while."""
        self.told = {
            run_id: told for run_id, told in self.told.items() if run_id in wanted.runs or now - told.made_at < MEMORY
        }
        self.shown = {run_id: more for run_id, more in self.shown.items() if run_id in self.told}
