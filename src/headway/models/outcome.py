"""An item's outcome, for those items whose fate must be told one by one."""

from typing import ClassVar

from django.db import models

from .managers import OnDefaultDatabase
from .part import Part
from .run import Run


class ItemState(models.TextChoices):
    """How an item ended."""

    FAILED = "failed"
    SKIPPED = "skipped"


class ItemOutcome(models.Model):
    """A row for each item that failed or was skipped, written with the checkpoint that moved past it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outcomes")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="outcomes")
    key = models.CharField(max_length=255)
    state = models.CharField(max_length=9, choices=ItemState.choices)
    code = models.CharField(max_length=64)
    text = models.TextField(help_text="For everybody.")
    detail = models.TextField(blank=True, help_text="For staff: the error itself.")
    label = models.CharField(max_length=255)

    objects: ClassVar[OnDefaultDatabase["ItemOutcome"]] = OnDefaultDatabase()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="headway_outcome_once")]
        indexes = [models.Index(fields=["run", "state", "id"], name="headway_outcome_page")]

    def __str__(self) -> str:
        return f"{self.label}: {self.state}, {self.code}"
