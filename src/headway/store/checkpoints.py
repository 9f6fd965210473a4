"""The checkpoint: one guarded UPDATE that says how far a part has come, in the transaction of its effects."""

from dataclasses import dataclass
from typing import Any

from headway.clock import NowMs
from headway.models import Part
from headway.states import Counts

from .database import write
from .leases import Fenced, lease_ms

__all__ = ["Checkpoint", "begin_item", "check_fence", "write_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """How a part stands after a chunk; absolute values, true because the fence holds."""

    cursor: Any
    counts: Counts
    worked_ms: int
    careful: int
    pace: list[list[int]]
    message: str
    failures: dict[str, int] | None = None
    """By code; None: as they were."""


def write_checkpoint(part: Part, checkpoint: Checkpoint, *, renew: bool) -> None:
    """Move the part on. Raises Fenced, and so undoes the chunk's effects, when it isn't where we left it.

    `renew` also prolongs the lease; not every time, because `due` is indexed.
    """
    news: dict[str, Any] = {"due": NowMs() + lease_ms()} if renew else {}
    if checkpoint.failures is not None:
        news["failures"] = checkpoint.failures
    moved = Part.objects.filter(pk=part.pk, token=part.token, seq=part.seq).update(
        cursor=checkpoint.cursor,
        seq=part.seq + 1,
        succeeded=checkpoint.counts.succeeded,
        failed=checkpoint.counts.failed,
        skipped=checkpoint.counts.skipped,
        tries=0,
        deaths=0,
        careful=checkpoint.careful,
        worked_ms=checkpoint.worked_ms,
        pace=checkpoint.pace,
        message=checkpoint.message,
        changed=NowMs(),
        **news,
    )
    if not moved:
        raise Fenced


def check_fence(part: Part) -> None:
    """Raises Fenced when the part isn't where we left it: before a replay judges items by what it meets."""
    if not Part.objects.filter(pk=part.pk, token=part.token, seq=part.seq).exists():
        raise Fenced


def begin_item(part: Part) -> None:
    """Put it on record, before a careful item is begun, that it may be the one that kills. Raises Fenced.

    Counted from what the claim found, so that a repetition by one and the same worker counts once.
    """
    with write():
        noted = Part.objects.filter(pk=part.pk, token=part.token, seq=part.seq).update(
            deaths=part.deaths + 1, seq=part.seq + 1, due=NowMs() + lease_ms()
        )
    if not noted:
        raise Fenced
