"""The run's row lock, under which everything is decided that concerns more than one part; and turns for a key."""

from hashlib import sha256
from uuid import UUID

from django.db import connection

from headway.database.statements import First, Given
from headway.errors import RunNotFound
from headway.models import Run
from headway.states import State


def lock_run(run_id: UUID) -> Run:
    """The run, locked until the end of the transaction. Raises RunNotFound.

    The names that it holds or stands in line for are locked with it, always before any part: a transaction that frees
    a name changes the parts of the next run. A run behind another of its key holds none; the end of the other locks it.

    NO KEY: a chunk's outcomes refer to the run, and their foreign key is checked at COMMIT, while the chunk holds its
    part. Were the run's key locked, that would be the other order, and a deadlock.

    On SQLite the transaction itself is the lock, since it is IMMEDIATE.
    """
    run = LOCKED(id=run_id)
    if run is None:
        raise RunNotFound(run_id)
    if run.holds and run.state != State.WAITING and not run.is_done:
        for name in run.holds:
            take_turn(sha256(f"hold {name}".encode()).hexdigest())
    return run


LOCKED = First(Run.objects.select_for_update(no_key=True).filter(pk=Given("id", Run)).order_by())


def take_turn(key: str) -> None:
    """Wait until all transactions before this one have done with this key (a SHA-256 in hex), and hold it to the end.

    Guards no row. PostgreSQL lets all that wait for a row go on at once when it changes: where each of them
    changes it, all but one have waited in vain, again and again. For this lock they stand in a line.

    On SQLite the transaction itself is the turn.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(bytes.fromhex(key)[:8], signed=True)])
