"""What a view of the project has answered to an idempotency key, so that the same request sent again gets the same."""

import uuid

from django.db import models
from django.db.models.functions import Now

from headway.database.moments import MomentField

from .stored import Stored


class StoredAnswer(Stored):
    """Written in the transaction of the view's effects: the key first, the answer last.

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

    def __str__(self) -> str:
        return self.key
