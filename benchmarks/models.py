"""A row to be updated."""

from django.db import models


class Row(models.Model):
    """A row with nothing in it that would make an UPDATE dear."""

    number = models.BigIntegerField(default=0)

    objects = models.Manager["Row"]()

    def __str__(self) -> str:
        return f"row {self.pk}"
