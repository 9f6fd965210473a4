"""A run's own copy of a selection of keys."""

from django.db import models

from .run import Run
from .stored import Stored


class Selection(Stored):
    """The key of one selected row; `seq` numbers a run's rows from 1 in the order of its queryset."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="selection")
    seq = models.BigIntegerField()
    key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="headway_selection_order")]

    def __str__(self) -> str:
        return f"{self.seq}: {self.key}"
