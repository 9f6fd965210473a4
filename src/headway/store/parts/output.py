"""What a run hands out: the rows of its file, written in the chunk's transaction and read in the order of the items;
and its log, what its operation has said. A line of the log is written with the checkpoint of its chunk; where none
follows, before the part is given back.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Subquery

from headway.database import write
from headway.models import Block, LogLine, Part, Run

from .leases import RENEW, Fenced, lease_ms

PIECE = 250_000  # characters; so that reading a block takes little memory, however much a chunk has written
KEPT = 200  # lines of a part, and shown of a run


def write_rows(part: Part, columns: Sequence[str], lines: Sequence[str]) -> None:
    """Store the rows that a chunk has written, each as a JSON array, in the chunk's transaction."""
    Block.objects.bulk_create(
        [
            Block(run_id=part.run_id, part_id=part.pk, seq=part.seq, piece=piece, columns=list(columns), text=text)
            for piece, text in enumerate(pieces(lines))
        ],
        batch_size=10,
    )


def pieces(lines: Sequence[str]) -> Iterator[str]:
    """The lines as texts of about the same length."""
    begin = length = 0
    for place, line in enumerate(lines):
        if length and length + len(line) > PIECE:
            yield "\n".join(lines[begin:place])
            begin, length = place, 0
        length += len(line) + 1
    if begin < len(lines):
        yield "\n".join(lines[begin:])


def read_blocks(run_id: UUID) -> Iterator[list[dict[str, Any]]]:
    """The rows that the run has written, some at a time: part after part, and in each in the order of its chunks.

    Raises Block.DoesNotExist when the run is deleted meanwhile, so that a part of its rows is not taken for all.
    """
    ids = Block.objects.filter(run=run_id).order_by("part__number", "part", "seq", "piece").values_list("pk", flat=True)
    for pk in list(ids):
        block = Block.objects.only("columns", "text").get(pk=pk)
        yield [dict(zip(block.columns, json.loads(line), strict=True)) for line in block.text.split("\n")]


def columns_of(run_id: UUID) -> list[str]:
    """The columns of all its rows: a run that began before a deploy may have had others at first."""
    found = Block.objects.filter(run=run_id).order_by("columns").values_list("columns", flat=True).distinct()
    return list(dict.fromkeys(name for columns in found for name in columns))


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
