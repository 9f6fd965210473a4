"""What a run keeps: of single items, by their keys; and for people, rows of its file and lines of its log."""

from datetime import UTC, datetime

from django.db import models

from .part import Part
from .run import Run, Stored


class ItemState(models.TextChoices):
    """How an item ended."""

    FAILED = "failed"
    SKIPPED = "skipped"
    SUCCEEDED = "succeeded"  # only where the operation keeps results
    RETRYING = "retrying"  # it hasn't ended: a later pass does it again


class ItemOutcome(Stored):
    """A row for each item that failed, was skipped, is to be tried again, or whose result is kept; written with the
    checkpoint that moved past it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outcomes")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="outcomes")
    key = models.CharField(max_length=255)
    state = models.CharField(max_length=9, choices=ItemState.choices)
    code = models.CharField(max_length=64)
    text = models.TextField(help_text="For everybody.")
    detail = models.TextField(blank=True, help_text="For staff: the error itself.")
    label = models.CharField(max_length=255)
    attempts = models.PositiveSmallIntegerField(
        db_default=0, help_text="How often it was done and might have been again."
    )
    effects = models.JSONField(null=True, help_text="The names of its effects outside that have gone out.")
    retry_at = models.BigIntegerField(null=True, help_text="The database's clock, in ms; NULL: it has ended.")
    value = models.JSONField(null=True, help_text="What `process` returned, where the operation keeps results.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="headway_outcome_once")]
        indexes = [
            models.Index(fields=["run", "state", "id"], name="headway_outcome_page"),
            models.Index(fields=["part", "id"], name="headway_outcome_retrying", condition=models.Q(state="retrying")),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.state}, {self.code}"


class Selection(Stored):
    """The key of one selected row; `seq` numbers a run's rows from 1 in the order of its queryset."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="selection")
    seq = models.BigIntegerField()
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="headway_selection_order")]


class Discovery(Stored):
    """A key that a run must not do a second time. It stays, since an item may be found again at any time."""

    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="discoveries", help_text="The first run of the retry chain."
    )
    part = models.ForeignKey(
        Part,
        null=True,
        on_delete=models.CASCADE,
        related_name="discoveries",
        help_text="Whose item added it, and which therefore does it; NULL: it lies in a range of the source.",
    )
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="headway_discovery_once")]
        indexes = [
            models.Index(fields=["part", "id"], name="headway_discovery_next", condition=models.Q(part__isnull=False)),
        ]


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


class LogLine(Stored):
    """One thing that `self.say` was told, kept with a checkpoint. A part has a few hundred at most: its last ones."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="log_lines")
    said_at = models.BigIntegerField(help_text="The database's clock, in ms.")
    text = models.CharField(max_length=255)

    @property
    def at(self) -> datetime:
        """When it was said."""
        return datetime.fromtimestamp(self.said_at / 1000, UTC)
