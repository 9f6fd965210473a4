"""What views have answered to idempotency keys. All of it is written in the transaction of the view's own effects."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from headway.database import delete_any, write_beside_project
from headway.errors import IdempotencyKeyReused, RequestInProgress
from headway.models import StoredAnswer

KEPT_FOR = timedelta(hours=24)
EXPIRED = Q(created_at__lt=Now() - KEPT_FOR)
PATIENCE = 10.0  # s that a request waits for another with its key
ATTEMPTS = 3
SERIALIZATION_FAILURE = "40001"  # a strict isolation level doesn't see what another has just committed
TIMEOUTS = frozenset({"55P03", "57014"})  # lock_timeout; the project's own statement_timeout


@dataclass(frozen=True)
class Asked:
    """A key as its caller sent it, with the fingerprint of what it was sent with."""

    principal: str
    key: str
    fingerprint: str

    @property
    def rows(self) -> QuerySet[StoredAnswer]:
        return StoredAnswer.objects.filter(principal=self.principal, key=self.key).order_by()


@dataclass(frozen=True)
class Answer:
    """What a view gave; `body` None: it could not be kept."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@contextmanager
def transaction_of(asked: Asked) -> Iterator[Answer | None]:
    """The transaction of a view's effects, with what it answered to this key before; None: the view is to run.

    Raises RequestInProgress when another request with the key is still at work after 10 s, IdempotencyKeyReused, and
    errors of the database: on SQLite also when the write lock, which can be anybody's, isn't free within 10 s.
    """
    if before := answer_to(asked):
        yield before
        return
    for attempts_left in reversed(range(1 if connection.in_atomic_block else ATTEMPTS)):
        entered = False
        try:
            with write_beside_project(patience=PATIENCE):
                answer = claim(asked)
                entered = True
                yield answer
                return
        except DatabaseError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state in TIMEOUTS and not entered:
                raise RequestInProgress(asked.key) from error
            if state != SERIALIZATION_FAILURE or not attempts_left or entered:
                raise


def answer_to(asked: Asked) -> Answer | None:
    """What a committed transaction has answered to the key: a replay writes nothing, and waits for no lock.

    None decides nothing: that does `claim`. Raises IdempotencyKeyReused.
    """
    row = asked.rows.exclude(EXPIRED).first()
    return answer_in(row, asked) if row else None


def claim(asked: Asked) -> Answer | None:
    """Take the key, in an open transaction; where another request had it, its answer. Raises IdempotencyKeyReused."""
    mine = StoredAnswer(principal=asked.principal, key=asked.key, fingerprint=asked.fingerprint)
    with bounded_wait():
        asked.rows.filter(EXPIRED).delete()
        StoredAnswer.objects.bulk_create([mine], ignore_conflicts=True)  # waits for one that is writing the same
    row = asked.rows.get()
    return None if row.pk == mine.pk else answer_in(row, asked)


def answer_in(row: StoredAnswer, asked: Asked) -> Answer:
    if row.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused(asked.key, "address, method or body")
    return Answer(row.status or 0, row.headers, None if row.body is None else bytes(row.body))


def keep(asked: Asked, answer: Answer) -> None:
    """Keep the answer, in the same transaction."""
    asked.rows.update(status=answer.status, headers=answer.headers, body=answer.body)


def forget_expired() -> None:
    """Delete the answers whose time is over."""
    delete_any(StoredAnswer.objects.filter(EXPIRED))


@contextmanager
def bounded_wait() -> Iterator[None]:
    """On PostgreSQL, wait no longer than that for a lock; on SQLite the transaction has begun with its one lock."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE:g}s"])
        yield
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
