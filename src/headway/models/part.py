"""A part: a range of a run, and the unit of ownership."""

from django.db import models
from django.db.models import Case, F, Q, Value, When

from headway.states import Want

from .run import Run, Stored


class Kind(models.TextChoices):
    """What there is to do with a part."""

    PLAN = "plan"
    ITEMS = "items"
    FINISH = "finish"


# A part whose owners keep dying must not go before everybody: once its owner is careful, it waits like others.
INTERRUPTED = Q(token__isnull=False, careful=0)
AT_ONCE_MS = -1
SPACING_MS = 250


class Part(Stored):
    """A range of a run. Owned by the worker whose token it carries; `(token, seq)` fences all others.

    `due` alone says when it can be claimed (database clock, ms): when it was queued, when a lease ends, when it was
    given back. NULL: not claimable. So the poll loop and the reaper are one query.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="parts")
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.PLAN)
    retries = models.ForeignKey(
        Run,
        null=True,
        on_delete=models.RESTRICT,
        related_name="retried_by_parts",
        help_text="The run whose failed items this part takes up; NULL: it reads a range of the source.",
    )
    bounds = models.JSONField(null=True)
    cursor = models.JSONField(null=True)
    seq = models.BigIntegerField(default=0, help_text="Counts checkpoints; with the token it is the fence.")
    closed = models.BooleanField(default=False)

    due = models.BigIntegerField(null=True)
    token = models.BigIntegerField(null=True, help_text="Random; NULL: released.")
    worker = models.CharField(max_length=64, blank=True)
    lacks_holds = models.BooleanField(
        default=False, db_default=False, help_text="Its run has yet to take its holds before anybody may own it."
    )
    want = models.CharField(max_length=6, choices=[(str(want), str(want)) for want in Want], default=str(Want.RUN))

    before = models.BigIntegerField(
        default=0, help_text="Items of the bounds that ended in earlier runs of the retry chain."
    )
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    retrying = models.BigIntegerField(db_default=0, help_text="Items that a later pass does again.")
    added = models.BigIntegerField(db_default=0, help_text="Items that its items have added on the way.")
    phase = models.PositiveIntegerField(
        db_default=0,
        help_text="0: it reads its range; from 1 on, a pass over what was added, and what is to be tried again.",
    )
    faults_in_a_row = models.PositiveIntegerField(
        db_default=0, help_text="Items in a row, up to the last one, that ended as to be tried again."
    )
    flight = models.JSONField(
        null=True,
        help_text="Items behind the cursor that are, or were, under way outside: [key, cursor, state, starts] of each.",
    )
    step = models.JSONField(
        null=True,
        help_text="Of a run that has steps, the one that is, or was, under way: its name, whether it is begun, starts, "
        "attempts, done, total, and the pace in thousandths.",
    )
    waits = models.CharField(max_length=255, db_default="", help_text="Why it isn't due yet, in a sentence for people.")
    failures = models.JSONField(default=dict, help_text="How many failed by each code: a watcher counts no rows.")

    tries = models.PositiveIntegerField(default=0, help_text="Owners who died since the last checkpoint.")
    suspected = models.PositiveIntegerField(
        db_default=0, help_text="Items still to be done, one of which may have killed the last owner."
    )
    careful = models.PositiveIntegerField(default=0, help_text="Items still to be done one per transaction.")
    deaths = models.PositiveSmallIntegerField(default=0, help_text="Deaths over the item in hand.")
    setbacks = models.PositiveSmallIntegerField(
        default=0, help_text="How often the database failed since the last checkpoint, so that a chunk was undone."
    )
    hooks_failed = models.PositiveIntegerField(default=0, help_text="on_commit hooks of its items that raised.")
    resumes = models.PositiveIntegerField(default=0, help_text="Claims after an owner who never released.")
    worked_ms = models.BigIntegerField(default=0)
    pace = models.JSONField(default=list, help_text="Two marks [ms, processed], from which the rate follows.")
    message = models.CharField(max_length=255, blank=True)
    changed = models.BigIntegerField(db_index=True)
    number = models.PositiveIntegerField(default=0, help_text="Which of its run's parts it is, from 0.")
    served_ms = models.GeneratedField(
        expression=Case(When(INTERRUPTED, then=Value(AT_ONCE_MS)), default=F("worked_ms") + F("number") * SPACING_MS),
        output_field=models.BigIntegerField(),
        db_persist=True,
        help_text="Of what is due, the least served goes first; the parts of one run are spaced, so that they don't "
        "all go before another run.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["served_ms", "due", "id"], name="headway_part_served", condition=Q(due__isnull=False)),
            models.Index(fields=["due", "id"], name="headway_part_due", condition=Q(due__isnull=False)),
            models.Index(fields=["worker"], name="headway_part_owned", condition=Q(token__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="headway_part_closed_rests", condition=Q(closed=False) | Q(due__isnull=True, token__isnull=True)
            ),
            models.CheckConstraint(
                name="headway_part_owned_is_due",  # an owner's lease always ends some time, so it can be taken over
                condition=Q(token__isnull=True) | Q(due__isnull=False),
            ),
        ]

    @property
    def processed(self) -> int:
        """How many items of this part have ended."""
        return self.succeeded + self.failed + self.skipped

    @property
    def served_so_far_ms(self) -> int:
        """What `served_ms` will be once its owner gives it back."""
        return self.worked_ms + self.number * SPACING_MS
