"""What all runs and workers share: names that are held, rates, the ticks of schedules, who is there to work; and keys,
by which the same request said twice is one.
"""

import uuid

from django.db import models
from django.db.models.functions import Now

from headway.database.moments import MomentField

from .run import Run, Stored

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


class SharedRate(Stored):
    """One row for each rate. Each item that begins takes a moment; `free_at` is the first that nobody has taken.

    Deleting a row does no harm: the rate then begins anew.
    """

    name = models.CharField(max_length=200, primary_key=True, help_text="The operation's, or what several share.")
    free_at = models.BigIntegerField(help_text="The database's clock, in µs: a rate may have several moments in a ms.")
    changed = models.BigIntegerField(help_text="The database's clock, in ms.")


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


class Worker(Stored):
    """A process that works. Its parts are those that carry its id."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    doorbell = models.PositiveIntegerField(help_text="The UDP port on its host's loopback that wakes it.")
    beat = models.BigIntegerField(help_text="The database's clock when it was last heard of, in ms.")

    class Meta:
        indexes = [models.Index(fields=["host", "beat"], name="headway_worker_alive")]


class IdempotencyKey(Stored):
    """What a caller named a start. Written in the transaction that writes its run, insert first: two simultaneous
    requests can't both win.

    Keys belong to their caller: two users with one key are two runs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # so that "is it mine?" can be asked
    principal = models.CharField(max_length=255, blank=True, help_text="The caller's primary key; empty: code.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the operation and its parameters.")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="idempotency_keys")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="headway_idempotency_key_once")]


class StoredAnswer(Stored):
    """What a view of the project has answered to a key; written in the transaction of its effects, the answer last.

    So two simultaneous requests can't both win, and no other transaction ever sees a key without its answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # so that "is it mine?" can be asked
    principal = models.CharField(max_length=255, help_text="Whose key it is: a user's primary key, or a scope.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the method, the address and the body.")
    status = models.PositiveSmallIntegerField(null=True, help_text="The answer's; NULL: the view is at work.")
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True, help_text="NULL: it was streamed, or too long to be kept.")
    created_at = MomentField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="headway_stored_answer_once")]
