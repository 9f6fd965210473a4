"""How far a schedule's ticks have been seen to, for all workers."""

from django.db import models

from .stored import Stored


class LastTick(Stored):
    """One row for each operation with a schedule, from when a worker first sees it.

    It says which ticks were missed, and what people read. That a tick starts one run is the idempotency key's business.
    Deleting a row does no harm: the schedule then begins anew.
    """

    class Lapse(models.TextChoices):
        """Why a tick has started no run, or not in time."""

        NO_WORKER = "no-worker"
        IN_THE_WAY = "in-the-way"
        FAILED = "failed"

    operation = models.CharField(max_length=200, primary_key=True, help_text="The oldest of its names.")
    declared = models.CharField(max_length=200, help_text="The schedule and its zone.")
    tick = models.BigIntegerField(help_text="All ticks up to here are seen to; the database's clock, in ms.")
    run = models.UUIDField(null=True, help_text="The run to which the last tick came that has one.")
    missed = models.BigIntegerField(null=True, help_text="The last tick that started no run, or not in time; in ms.")
    lapse = models.CharField(max_length=10, choices=Lapse.choices, blank=True, help_text="Why so.")

    def __str__(self) -> str:
        return self.operation
