"""Rows of a run's file, as one chunk has written them."""

from django.db import models

from .part import Part
from .run import Run
from .stored import Stored


class Block(Stored):
    """What one chunk has written. A part's blocks, by `seq` and then `piece`, are its share of the file."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="blocks")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="blocks")
    seq = models.BigIntegerField(help_text="The part's, when the chunk began.")
    piece = models.PositiveIntegerField(help_text="From 0; a chunk that has written much is stored in several.")
    columns = models.JSONField(help_text="Their names, in the order of the values.")
    text = models.TextField(help_text="A JSON array of values per line.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["part", "seq", "piece"], name="headway_block_once")]

    def __str__(self) -> str:
        return f"block {self.seq}.{self.piece} of part {self.part_id}"
