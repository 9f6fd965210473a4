"""One round of the hub's reading: from what is watched to what is new. No thread, no loop and no watcher in here."""

import math
import time
from dataclasses import dataclass, field
from uuid import UUID

from headway.snapshots import snapshots
from headway.states import State

from . import questions
from .messages import Update
from .questions import Version

MESSAGE_GAP = 0.25  # s; at most four messages a second about one run
CLOCK_GAP = 1.0  # s between two questions for what changes without a commit: a lease that ran out, a worker that went
FULL_GAP = 5.0  # s between two questions for everything, where otherwise only what changed lately is asked for
MANY = 1_000  # watched runs; above it, asking for each costs more than asking what changed lately
UNTOLD = (State.QUEUED, State.RUNNING)  # in these, that the last worker is gone is stored nowhere
MEMORY = 70.0  # s; longer than an ended run stays in its owner's stream, so that its end is told once


@dataclass
class Wanted:
    """What is watched, and for what openings wait."""

    runs: set[UUID] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    opening_runs: set[UUID] = field(default_factory=set)
    opening_users: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.runs or self.users) or self.is_urgent

    @property
    def is_urgent(self) -> bool:
        return bool(self.opening_runs or self.opening_users)

    def open(self, run_id: UUID | None, user_key: str) -> None:
        """A watcher opens the run, or all of the user's."""
        if run_id is None:
            self.opening_users.add(user_key)
        else:
            self.opening_runs.add(run_id)


@dataclass
class Found:
    """What a round has found: what is new, the runs of users that were asked for, and what isn't there any more."""

    news: list[Update] = field(default_factory=list)
    now: dict[UUID, Update] = field(default_factory=dict)
    owners: dict[UUID, str] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)
    held_back: set[UUID] = field(default_factory=set)
    """Of those that open, the runs that changed too soon after their last message: a later round tells of them."""


class Reader:
    """Remembers what has been told of each run, and finds what is to be told next."""

    def __init__(self) -> None:
        self.told: dict[UUID, Update] = {}
        self.commits: int | None = None
        self.held_back: set[UUID] = set()
        self.asked_clock = self.asked_all = -math.inf

    def read(self, wanted: Wanted) -> Found:
        """A round. Raises what the database raises; the next round then finds what this one should have."""
        now = time.monotonic()
        commits = questions.commits()
        clock = now - self.asked_clock >= CLOCK_GAP
        if commits is not None and commits == self.commits and not (clock or self.held_back or wanted.is_urgent):
            return Found()
        full = now - self.asked_all >= FULL_GAP
        owners = self.owners(wanted, full)
        untold = {run_id for run_id in owners if run_id not in self.told or not self.told[run_id].run["done"]}
        asked = self.watched(wanted, full) | wanted.opening_runs | untold
        versions = questions.versions(asked) if asked else {}
        found = Found(gone=asked - versions.keys())
        of_users = {run_id for run_id, user in owners.items() if user in wanted.opening_users}
        opening = wanted.opening_runs | of_users
        due = {
            run_id
            for run_id, version in versions.items()
            if self.is_due(run_id, version, now, clock=clock, opens=run_id in opening)
        }
        self.held_back = {run_id for run_id in due - of_users if self.is_too_soon(run_id, versions[run_id], now)}
        found.held_back = self.held_back & wanted.opening_runs
        found.news = self.news(due - self.held_back, now)
        found.now = {run_id: self.told[run_id] for run_id in opening - found.gone if run_id in self.told}
        found.owners = {run_id: user for run_id, user in owners.items() if run_id in versions or run_id in found.now}
        self.commits = commits
        self.asked_clock = now if clock else self.asked_clock
        self.asked_all = now if full else self.asked_all
        if full:
            self.forget(wanted, now)
        return found

    def owners(self, wanted: Wanted, full: bool) -> dict[UUID, str]:
        """Runs of users who watch all of theirs: every one for an opening, otherwise those that changed lately."""
        every = wanted.opening_users | wanted.users if full else wanted.opening_users
        found = questions.runs_of(every) if every else {}
        others = wanted.users - every
        return found | questions.runs_of_lately(others) if others else found

    def watched(self, wanted: Wanted, full: bool) -> set[UUID]:
        """Those of the watched runs for which it is worth asking."""
        if full or len(wanted.runs) <= MANY:
            return wanted.runs
        return wanted.runs & questions.changed_lately()

    def is_due(self, run_id: UUID, version: Version, now: float, *, clock: bool, opens: bool) -> bool:
        """Whether there may be news of it."""
        told = self.told.get(run_id)
        if told is None or version != told.version:
            return True
        is_old = now - told.made_at > CLOCK_GAP and not version.done  # so are its rate and time left
        return (clock and told.run["state"] in UNTOLD) or (opens and is_old)

    def is_too_soon(self, run_id: UUID, version: Version, now: float) -> bool:
        """Whether its last message went out just now. An end is never held back."""
        told = self.told.get(run_id)
        return told is not None and now - told.made_at < MESSAGE_GAP and version.done == told.version.done

    def news(self, run_ids: set[UUID], now: float) -> list[Update]:
        """Look at these runs, and give those of which something is new; from now on they are told."""
        seen: dict[UUID, Update] = {}
        for run_id, run in snapshots(run_ids).items() if run_ids else ():
            before = self.told.get(run_id)
            seen[run_id] = Update(run, now, before.run if before else None)
        news = [update for run_id, update in seen.items() if update.differs_from(self.told.get(run_id))]
        self.told |= seen
        return news

    def forget(self, wanted: Wanted, now: float) -> None:
        """Drop what has had no watcher for a while."""
        self.told = {
            run_id: told for run_id, told in self.told.items() if run_id in wanted.runs or now - told.made_at < MEMORY
        }
