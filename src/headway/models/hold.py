"""Holds: names of which each belongs to one run at a time."""

from django.db import models

from .run import Run
from .stored import Stored

LONGEST_NAME = 200


class Hold(Stored):
    """A run's place in the line of a name. The rows of a name, by their ids, are its line, and the first may hold it.

    `held` is the guard: the name, UNIQUE, from when the run holds it, and NULL while it stands in line. The row goes in
    the transaction that ends or pauses the run.
    """

    name = models.CharField(max_length=LONGEST_NAME)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="hold_places")
    held = models.CharField(max_length=LONGEST_NAME, null=True, unique=True)  # noqa: DJ001  (NULL: it stands in line)
    fence = models.BigIntegerField(null=True, help_text="Grows with each taking of the name; NULL: it stands in line.")

    class Meta:
        indexes = [models.Index(fields=["name", "id"], name="headway_hold_line")]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="headway_hold_once"),
            models.CheckConstraint(
                name="headway_hold_held_has_fence",
                condition=models.Q(held__isnull=True, fence__isnull=True)
                | models.Q(held=models.F("name"), fence__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {'held' if self.held else 'wanted'} by {self.run_id}"
