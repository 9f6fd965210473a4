"""What a chunk leaves for people, stored with its checkpoint: rows of the run's file, lines of its log."""

from datetime import UTC, datetime

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


class LogLine(Stored):
    """One thing that `self.say` was told, kept with a checkpoint. A part has a few hundred at most: its last ones."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="log_lines")
    said_at = models.BigIntegerField(help_text="The database's clock, in ms.")
    text = models.CharField(max_length=255)

    def __str__(self) -> str:
        return self.text

    @property
    def at(self) -> datetime:
        """When it was said."""
        return datetime.fromtimestamp(self.said_at / 1000, UTC)
