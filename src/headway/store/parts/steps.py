"""The step under way of a run that has steps: how often it was begun, and how far it has come by now."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F

from headway.database import NowMs, write
from headway.database.statements import Given, Update
from headway.models import Part

from . import lines
from .leases import AS_WE_LEFT_IT, fenced, lease_ms


def note(part: Part, step: dict[str, Any], message: str, said: Sequence[tuple[int, str]]) -> None:
    """Write down how the part's step stands, with what it has said, and renew the lease. Raises Fenced."""
    with write():
        lines.write_lines(part, said)
        fenced(NOTE, part, step=step, message=message, lease=lease_ms())
    part.step, part.seq = step, part.seq + 1


NOTE = Update(
    AS_WE_LEFT_IT,
    step=Given("step", Part),
    message=Given("message", Part),
    due=NowMs() + Given("lease"),
    seq=F("seq") + 1,
    changed=NowMs(),
)


def forget(part: Part) -> None:
    """Its step has ended; in the transaction of the checkpoint that says so. Raises Fenced."""
    fenced(FORGET, part)


FORGET = Update(AS_WE_LEFT_IT, step=None)
