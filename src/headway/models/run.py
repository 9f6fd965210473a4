"""A run: one execution of an operation. And what all tables have in common: they live in the default database, whatever
the project's routers say of replicas.
"""

import uuid
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import Now

from headway.database.moments import MomentField
from headway.states import LIVE, TERMINAL, State, Want

Row = TypeVar("Row", bound=models.Model, covariant=True)

LIVE_STATES = sorted(str(state) for state in LIVE)
WAITING_STATES = [str(State.WAITING)]
ENDED_STATES = sorted(str(state) for state in TERMINAL)


class OnDefaultDatabase(models.Manager[Row]):
    """A replica that lags behind would show a lost lease as ours, or a run without its parts."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().using(DEFAULT_DB_ALIAS)


class Stored(models.Model):
    """The base of every model."""

    objects: ClassVar[OnDefaultDatabase[Self]] = OnDefaultDatabase()

    class Meta:
        abstract = True


class Undeleted(OnDefaultDatabase["Run"]):
    """The runs that are there."""

    def get_queryset(self) -> models.QuerySet["Run"]:
        return super().get_queryset().filter(deleted=False)


class Run(Stored):
    """One execution of an operation.

    `live_key` is the guard of the whole library: the hash of operation and concurrency key, UNIQUE, and NULL from the
    very statement that ends the run. A run that waits behind another has a `waiting_key` instead, the hash of key and
    parameters, so that an identical request finds it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=200, db_index=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="headway_runs"
    )
    language = models.CharField(max_length=20)
    params = models.JSONField()
    form_fields = models.JSONField(null=True, help_text="The fields of the operation's form at the start.")
    source = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="What its items are of, once it is planned."
    )
    version = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="The operation's, under which it goes on."
    )
    dry_run = models.BooleanField(default=False, db_default=False, help_text="Its effects are undone, chunk by chunk.")
    holds = models.JSONField(null=True, help_text="The names that it holds while it is worked on, sorted; NULL: none.")
    fingerprint = models.CharField(max_length=64)
    traceparent = models.CharField(
        max_length=55, blank=True, default="", db_default="", help_text="Of its start, as W3C Trace Context has it."
    )

    state = models.CharField(
        max_length=10, choices=[(str(state), str(state)) for state in State], default=str(State.QUEUED)
    )
    want = models.CharField(max_length=6, choices=[(str(want), str(want)) for want in Want], default=str(Want.RUN))
    deleted = models.BooleanField(
        db_default=False,
        help_text="It is there for nobody; its rows are being removed, its idempotency keys stay a day.",
    )
    live_key = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  (NULL: holds no key)
    waiting_key = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  (NULL: doesn't wait)
    concurrency_key = models.CharField(max_length=64)
    reason_code = models.CharField(max_length=64, blank=True)
    reason_text = models.TextField(blank=True)
    reason_detail = models.TextField(blank=True, help_text="For staff: the error and where it was raised.")

    upload_bytes = models.BigIntegerField(null=True, help_text="Of the files that are stored for it; NULL: none.")
    total = models.BigIntegerField(
        null=True, help_text="Items of its source; those that were added on the way come on top of it (Part.added)."
    )
    total_exact = models.BooleanField(default=False)
    parts_left = models.PositiveIntegerField(default=1)
    revision = models.BigIntegerField(default=1)
    result = models.JSONField(null=True)

    retry_of = models.OneToOneField("self", null=True, on_delete=models.RESTRICT, related_name="retried_as")
    root = models.ForeignKey("self", null=True, on_delete=models.RESTRICT, related_name="retry_chain")

    created_at = MomentField(db_default=Now())
    started_at = MomentField(null=True)
    finished_at = MomentField(null=True)
    paused_since = models.BigIntegerField(null=True, help_text="The database's clock, in ms; NULL: not paused.")
    paused_ms = models.BigIntegerField(db_default=0, help_text="In all pauses since it began that are over.")
    changed = models.BigIntegerField(db_index=True, help_text="The database's clock at the last change, in ms.")

    objects: ClassVar[OnDefaultDatabase["Run"]] = Undeleted()
    everything: ClassVar[OnDefaultDatabase["Run"]] = OnDefaultDatabase()

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["started_by", "-created_at"], name="headway_run_of_user"),
            models.Index(fields=["-created_at", "id"], name="headway_run_newest"),
            models.Index(fields=["-created_at"], name="headway_run_deleted", condition=models.Q(deleted=True)),
            models.Index(
                fields=["started_by"], name="headway_run_unended", condition=models.Q(finished_at__isnull=True)
            ),
            models.Index(
                fields=["started_by"], name="headway_run_with_upload", condition=models.Q(upload_bytes__isnull=False)
            ),
            models.Index(
                fields=["concurrency_key", "created_at"],
                name="headway_run_waiting",
                condition=models.Q(waiting_key__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="headway_run_waiting_iff_key",
                condition=models.Q(state__in=WAITING_STATES, waiting_key__isnull=False)
                | models.Q(state__in=LIVE_STATES + ENDED_STATES, waiting_key__isnull=True),
            ),
            models.CheckConstraint(
                name="headway_run_live_iff_key",
                condition=models.Q(state__in=LIVE_STATES, live_key__isnull=False)
                | models.Q(state__in=WAITING_STATES + ENDED_STATES, live_key__isnull=True),
            ),
            models.CheckConstraint(
                name="headway_run_ended_iff_finished_at",
                condition=models.Q(state__in=WAITING_STATES + LIVE_STATES, finished_at__isnull=True)
                | models.Q(state__in=ENDED_STATES, finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"

    @property
    def is_done(self) -> bool:
        """Whether the run has ended; then nothing of it changes any more."""
        return self.state in TERMINAL
