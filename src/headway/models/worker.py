"""A worker process, as far as others must know of it."""

from django.db import models

from .stored import Stored


class Worker(Stored):
    """A process that works. Its parts are those that carry its id."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    doorbell = models.PositiveIntegerField(help_text="The UDP port on its host's loopback that wakes it.")
    beat = models.BigIntegerField(help_text="The database's clock when it was last heard of, in ms.")

    class Meta:
        indexes = [models.Index(fields=["host", "beat"], name="headway_worker_alive")]

    def __str__(self) -> str:
        return self.id
