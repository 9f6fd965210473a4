"""Idempotency keys: the same request said twice is one."""

import uuid

from django.db import models
from django.db.models.functions import Now

from headway.database.moments import MomentField

from .run import Run, Stored


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
