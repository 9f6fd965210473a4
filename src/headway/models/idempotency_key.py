"""An idempotency key: what a caller named a start, so that the same start said twice is one."""

import uuid

from django.db import models

from .run import Run
from .stored import Stored


class IdempotencyKey(Stored):
    """Written in the transaction that writes its run, insert first: two simultaneous requests can't both win.

    Keys belong to their caller: two users with one key are two runs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # so that "is it mine?" can be asked
    principal = models.CharField(max_length=255, blank=True, help_text="The caller's primary key; empty: code.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the operation and its parameters.")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="idempotency_keys")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="headway_idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
