"""A run's log: what its operation has said. Each line is written with the checkpoint of its chunk; where none follows,
before the part is given back."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Subquery

from headway.database import write
from headway.models import LogLine, Part, Run

from .leases import RENEW, Fenced, lease_ms

KEPT = 200  # of a part, and shown of a run


def write_lines(part: Part, lines: Sequence[tuple[int, str]]) -> None:
    """Keep these lines, each with the moment at which it was said (the database's clock, in ms), and let go of the
    part's oldest; in the chunk's transaction.

    Of the part's alone: two parts that trimmed one list would wait for each other.
    """
    if not lines:
        return
    LogLine.objects.bulk_create(
        LogLine(run_id=part.run_id, part_id=part.pk, said_at=said_at, text=text) for said_at, text in lines
    )
    of_part = LogLine.objects.filter(part=part.pk)
    oldest_kept = of_part.order_by("-id").values("id")[KEPT - 1 : KEPT]
    of_part.filter(id__lt=Subquery(oldest_kept)).delete()


def keep_lines(part: Part, lines: Sequence[tuple[int, str]]) -> None:
    """The same where no chunk follows them: before the part is given back. Raises Fenced."""
    with write():
        if not RENEW(run=part.run_id, token=part.token, lease=lease_ms()):  # which locks it, too
            raise Fenced
        write_lines(part, lines)


def lines_of(run: Run | UUID) -> list[LogLine]:
    """The last lines of the run, the oldest first."""
    return list(LogLine.objects.filter(run=run).order_by("-said_at", "-id")[:KEPT])[::-1]
