"""A worker process, as far as others must know of it."""

from typing import ClassVar

from django.db import models

from .managers import OnDefaultDatabase


class Worker(models.Model):
    """A process that works. Its parts are those that carry its id."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    doorbell = models.PositiveIntegerField(help_text="The UDP port on its host's loopback that wakes it.")
    beat = models.BigIntegerField(help_text="The database's clock when it was last heard of, in ms.")

    objects: ClassVar[OnDefaultDatabase["Worker"]] = OnDefaultDatabase()

    class Meta:
        indexes = [models.Index(fields=["host", "beat"], name="headway_worker_alive")]

    def __str__(self) -> str:
        return self.id
