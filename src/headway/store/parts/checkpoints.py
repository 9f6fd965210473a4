"""The checkpoint: one guarded UPDATE that says how far a part has come, in the transaction of its effects; and what is
noted between two: a careful item that is begun, hooks that failed, how a step stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from headway.database import NowMs, write
from headway.database.statements import Given, Rows, Update
from headway.models import Part
from headway.states import Counts

from . import output
from .leases import AS_WE_LEFT_IT, fenced, lease_ms


@dataclass(frozen=True)
class Checkpoint:
    """How a part stands after a chunk; absolute values, true because the fence holds."""

    cursor: Any
    counts: Counts
    worked_ms: int
    suspected: int
    careful: int
    pace: list[list[int]]
    message: str
    retrying: int = 0
    added: int = 0
    faults_in_a_row: int = 0
    failures: dict[str, int] | None = None
    """By code; None: as they were."""
    flight: list[list[Any]] | None = None
    """What is under way outside from now on; None: as it was."""

    @property
    def columns(self) -> dict[str, Any]:
        """Those of the part that always say so."""
        said = vars(self) | vars(self.counts)
        return {name: said[name] for name in (*NUMBERS, *OTHERS)}


NUMBERS = (
    "succeeded", "failed", "skipped", "retrying", "added", "faults_in_a_row", "suspected", "careful", "worked_ms",
)  # fmt: skip
OTHERS = ("cursor", "pace", "message")


def write_checkpoint(part: Part, checkpoint: Checkpoint, *, renew: bool) -> None:
    """Move the part on. Raises Fenced, and so undoes the chunk's effects, when it isn't where we left it.

    `renew` also prolongs the lease; not every time, because `due` is indexed.
    """
    statements = MOVES if checkpoint.flight is None else MOVES_IN_FLIGHT
    given = checkpoint.columns | {"failures": checkpoint.failures, "flight": checkpoint.flight or None}
    fenced(statements[renew], part, lease=lease_ms(), **given)


STAND: dict[str, Any] = {
    **{name: Given(name) for name in NUMBERS},
    **{name: Given(name, Part) for name in OTHERS},
    "failures": Coalesce(Given("failures", Part), "failures"),
    "tries": 0,
    "deaths": 0,
    "setbacks": 0,
    "seq": F("seq") + 1,
    "changed": NowMs(),
}
RENEWED: dict[str, Any] = {"due": NowMs() + Given("lease")}
IN_FLIGHT: dict[str, Any] = {"flight": Given("flight", Part)}
MOVES = {False: Update(AS_WE_LEFT_IT, **STAND), True: Update(AS_WE_LEFT_IT, **STAND, **RENEWED)}
MOVES_IN_FLIGHT = {
    False: Update(AS_WE_LEFT_IT, **STAND, **IN_FLIGHT),
    True: Update(AS_WE_LEFT_IT, **STAND, **IN_FLIGHT, **RENEWED),
}


def check_fence(part: Part) -> None:
    """Raises Fenced when the part isn't where we left it: before a replay judges items by what it meets."""
    fenced(STANDS, part)


STANDS = Rows(AS_WE_LEFT_IT.values_list("seq"))


def begin_item(part: Part) -> None:
    """Put it on record, before a careful item is begun, that it may be the one that kills. Raises Fenced.

    Counted from what the claim found, so that a repetition by one and the same worker counts once.
    """
    with write():
        fenced(NOTE_DEATH, part, deaths=part.deaths + 1, lease=lease_ms())


NOTE_DEATH = Update(AS_WE_LEFT_IT, deaths=Given("deaths"), seq=F("seq") + 1, due=NowMs() + Given("lease"))


def note_failed_hooks(part: Part, count: int) -> None:
    """Add to the on_commit hooks of the part that failed. Raises Fenced."""
    with write():
        fenced(NOTE_FAILED_HOOKS, part, count=count)


NOTE_FAILED_HOOKS = Update(
    AS_WE_LEFT_IT, hooks_failed=F("hooks_failed") + Given("count"), seq=F("seq") + 1, changed=NowMs()
)


def note_step(part: Part, step: dict[str, Any], message: str, said: Sequence[tuple[int, str]]) -> None:
    """Write down how the part's step stands, with what it has said, and renew the lease. Raises Fenced."""
    with write():
        output.write_lines(part, said)
        fenced(NOTE_STEP, part, step=step, message=message, lease=lease_ms())
    part.step, part.seq = step, part.seq + 1


NOTE_STEP = Update(
    AS_WE_LEFT_IT,
    step=Given("step", Part),
    message=Given("message", Part),
    due=NowMs() + Given("lease"),
    seq=F("seq") + 1,
    changed=NowMs(),
)


def forget_step(part: Part) -> None:
    """Its step has ended; in the transaction of the checkpoint that says so. Raises Fenced."""
    fenced(FORGET_STEP, part)


FORGET_STEP = Update(AS_WE_LEFT_IT, step=None)
