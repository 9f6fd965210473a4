"""A row to be updated."""

from typing import ClassVar

from django.db import models


class Row(models.Model):
    """A row with nothing in it that would make an UPDATE dear."""

    number = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager["Row"]] = models.Manager()

    def __str__(self) -> str:
        return f"row {self.pk}"
