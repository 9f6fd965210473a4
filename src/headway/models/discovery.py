"""The keys that a run knows of, where its items add others on the way."""

from django.db import models

from .part import Part
from .run import Run
from .stored import Stored


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

    def __str__(self) -> str:
        return self.key
