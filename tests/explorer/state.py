"""What the protocol's steps read and write: values that are compared and hashed, no database.

Time has no length here: a part is due now, or later (it must be waited for), or when its owner's lease ends. A token is
a small number; a fresh one differs from all that the database or a worker knows.
"""

from typing import NamedTuple

from headway.states import State, Want

__all__ = [
    "FOUND",
    "LATER",
    "LEASED",
    "NOW",
    "Added",
    "Data",
    "Item",
    "Outcome",
    "Part",
    "Place",
    "Run",
    "Worker",
    "World",
]

NOW, LATER, LEASED = 0, 1, 2
FOUND = -1
"""In place of the part of an item that no range has: others add it."""


class Item(NamedTuple):
    """An item of a scene: the part that has it in its range, and what it does."""

    part: int
    does: str
    """ok, fail, again (once, then ok), always-again (until no attempt is left), mended (fails until a resume), stop,
    break (the operation's own code fails, once), kill, adds (all that no range has, and the first item)."""


class Run(NamedTuple):
    """A row of the runs."""

    state: State
    want: Want = Want.RUN
    holds_key: bool = True
    parts_left: int = 1
    over_limit: bool = False
    """Whether its reason is `failure-limit`."""
    finished: int = 0
    """How often the effects of its `on_finish` have been committed."""


class Part(NamedTuple):
    """A row of the parts, and what its owner has of it in memory."""

    id: int
    run: int = 0
    kind: str = "plan"
    range: int = -1
    """Which of the run's ranges it reads; -1: none yet."""
    cursor: int = 0
    """Items of its range behind it; in a later pass the id of an outcome."""
    seq: int = 0
    closed: bool = False
    due: int | None = NOW
    token: int | None = None
    want: Want = Want.RUN
    succeeded: int = 0
    failed: int = 0
    retrying: int = 0
    phase: int = 0
    suspected: bool = False
    careful: bool = False
    deaths: int = 0
    setbacks: int = 0
    lacks_holds: bool = False
    flight: tuple[str, ...] = ()
    """Of the items from the cursor on that were started: "out" or "settled"."""
    added: int = 0
    behind: int = 0
    """The id of the last that was added and is done."""


class Outcome(NamedTuple):
    """A row of the outcomes."""

    id: int
    part: int
    item: int
    state: str
    attempts: int = 0
    ripe: bool = True
    """Whether it may be tried again by now."""
    code: str = ""


class Added(NamedTuple):
    """A row of the discoveries."""

    id: int
    part: int
    item: int


class Place(NamedTuple):
    """A row of the holds: a run's place in the line of a name."""

    run: int
    name: str
    held: bool = False


class Data(NamedTuple):
    """The database."""

    runs: tuple[Run, ...]
    parts: tuple[Part, ...]
    outcomes: tuple[Outcome, ...] = ()
    effects: tuple[int, ...] = ()
    """How often the effect of each item has been committed."""
    places: tuple[Place, ...] = ()
    """In the order in which they were taken."""
    added: tuple[Added, ...] = ()


class Worker(NamedTuple):
    """A worker's process: what it does next, and the part as it remembers it."""

    next: str = "claim"
    part: Part | None = None
    lease_runs: bool = True
    """Whether its own clock is before the end of its lease."""
    calls: tuple[str, ...] = ()
    """Of each item in its part's flight: "" (settled), "ready", "calling" or "answered"."""


class World(NamedTuple):
    """Everything: a state of the exploration."""

    data: Data
    workers: tuple[Worker, ...]
    left: tuple[int, ...]
    """How many mishaps and wishes of each kind may still come."""
    wire: tuple[int, ...] = ()
    """Calls for each item that are under way to the remote service."""
    landed: tuple[int, ...] = ()
    """Calls for each item that the remote service has had."""
    bells: int = 0
    """Doorbells that have been rung and not yet heard."""
