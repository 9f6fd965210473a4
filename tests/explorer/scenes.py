"""The scenes: small enough to be gone through, each with the mishaps that matter there."""

import os
from dataclasses import dataclass, field

from headway.states import State

from .mishaps import KINDS, Nature
from .promises import Promises
from .search import Found, explore
from .state import FOUND, Data, Item, Part, Run, World
from .store import Store
from .worker import IDLE, Runner

__all__ = ["LONG", "SCENES", "Scene"]

LONG = bool(os.environ.get("EXPLORE_LONG"))
WORKERS = 2


@dataclass(frozen=True, eq=False)
class Scene:
    """A run's items, by the parts that have them, and how often each mishap may come."""

    name: str
    ranges: dict[int, str]
    """Of each range its items, by what they do; hundreds are the number of the run."""
    may: dict[str, int]
    more: dict[str, int] = field(default_factory=dict)
    """In the long exploration."""
    has_finish: bool = False
    most: int = 2
    window: int = 0
    most_failed: int | None = None
    with_bells: bool = False
    found: str = ""
    """What those do that others add."""
    holds: tuple[str, ...] = ()
    """Of each run, the letters that it holds."""

    @property
    def items(self) -> tuple[Item, ...]:
        known = [*self.ranges.items(), (FOUND, self.found)]
        return tuple(Item(part, does) for part, items in known for does in items.split())

    def store(self, kind: type[Store] = Store) -> Store:
        return kind(self.items, has_finish=self.has_finish, most_failed=self.most_failed, holds=self.holds)

    def start(self) -> World:
        """A run that has just been submitted, and idle workers."""
        items = len(self.items)
        may = self.may | (self.more if LONG else {})
        sent = (0,) * items if self.window else ()
        data = Data((Run(State.QUEUED),), (Part(0, lacks_holds=bool(self.holds)),), effects=(0,) * items)
        left = tuple(may.get(kind, 0) for kind in KINDS)
        return World(data, (IDLE,) * WORKERS, left, sent, sent, bells=int(self.with_bells))

    def explore(
        self, store: type[Store] = Store, runner: type[Runner] = Runner, nature: type[Nature] = Nature
    ) -> Found:
        """All of it, by these rules."""
        rules = self.store(store)
        worlds = nature(rules, runner(rules, self.most, self.window), with_bells=self.with_bells)
        return explore(self.start(), worlds, Promises(rules, outside=self.window > 0))


SCENES = [
    Scene("chunks", {0: "ok ok ok"}, {"crash": 1, "freeze": 1, "lost": 1}, {"crash": 2}),
    Scene("wishes", {0: "ok ok"}, {"freeze": 1, "pause": 1, "cancel": 1}, {"crash": 1, "lost": 1}, has_finish=True),
    Scene("two parts", {0: "ok", 1: "fail"}, {"freeze": 1, "pause": 1, "cancel": 1}, {"crash": 1, "lost": 1}),
    Scene("later passes", {0: "again always-again"}, {"crash": 1, "freeze": 1}, {"lost": 1}),
    Scene("later passes and wishes", {0: "again ok"}, {"freeze": 1, "pause": 1, "cancel": 1}, {"crash": 1, "lost": 1}),
    Scene("too many failed", {0: "mended", 1: "mended"}, {"freeze": 1}, {"crash": 1, "cancel": 1}, most_failed=1),
    Scene("stops", {0: "ok stop", 1: "again"}, {"freeze": 1, "cancel": 1}, {"crash": 1, "break": 1}),
    Scene("broken", {0: "ok", 1: "ok"}, {"freeze": 1, "cancel": 1, "break": 1}, {"crash": 1, "pause": 1}),
    Scene("a killing item", {0: "ok kill"}, {"crash": 1, "lost": 1, "cancel": 1}, {"freeze": 1}),
    Scene("in line", {0: "ok", 100: "ok"}, {"submit": 1, "cancel": 1, "freeze": 1}, {"crash": 1}, has_finish=True),
    Scene(
        "holds",
        {0: "ok", 100: "ok"},
        {"submit": 1, "cancel": 1, "freeze": 1},
        {"pause": 1, "crash": 1},
        holds=("ab", "ba"),
    ),
    Scene(
        "holds and pauses",
        {0: "ok", 100: "ok"},
        {"submit": 1, "pause": 1},
        {"freeze": 1, "cancel": 1},
        holds=("a", "a"),
    ),
    Scene(
        "three lines", {0: "ok", 100: "ok", 200: "ok"}, {"submit": 2, "cancel": 1}, {"crash": 1}, holds=("b", "ab", "a")
    ),
    Scene("failover", {0: "ok ok ok"}, {"rewind": 2, "freeze": 1}, {"crash": 1}),
    Scene("doorbells", {0: "ok", 1: "ok"}, {"bell": 2, "crash": 1}, {"bell": 3, "pause": 1}, with_bells=True),
    Scene("calls", {0: "ok ok"}, {"crash": 1, "freeze": 1}, {"crash": 2, "lost": 1}, window=2),
    Scene("lost calls", {0: "ok ok"}, {"crash": 1, "lost": 1}, {"freeze": 1}, window=1),
    Scene("calls and wishes", {0: "ok"}, {"freeze": 1, "crash": 1, "pause": 1, "cancel": 1}, {"lost": 1}, window=1),
    Scene("found on the way", {0: "adds fail"}, {"crash": 1, "freeze": 1}, {"lost": 1}, found="ok again"),
    Scene("found by two", {0: "adds", 1: "adds"}, {"freeze": 1, "cancel": 1}, {"crash": 1, "pause": 1}, found="ok"),
]
