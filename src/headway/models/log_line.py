"""What a run's operation has said, line by line."""

from datetime import UTC, datetime

from django.db import models

from .part import Part
from .run import Run
from .stored import Stored


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
