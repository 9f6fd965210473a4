"""The rows of a run's file: written in the chunk's transaction, read in the order of the items."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from headway.models import Block, Part

PIECE = 250_000  # characters; so that reading a block takes little memory, however much a chunk has written


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
