"""What a crash test looks at: who owns the run's part, what has been done to its items, and how often."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.db import OperationalError, connection, transaction

from headway.models import Part, Run, Worker
from tests.app.models import LedgerEntry
from tests.forked import Process
from tests.processes import stop_group
from tests.workers import Workers, children_of, until

__all__ = [
    "LEASE",
    "Owner",
    "entries",
    "freeze",
    "is_locked",
    "owner_of",
    "part_of",
    "processed",
    "thaw",
    "until_owned_anew",
]

LEASE = 2.0  # s; short, so that a test needn't wait long for it to run out


@dataclass(frozen=True)
class Owner:
    """The process that works on a part, and the one above it."""

    supervisor: Process
    child: int
    token: int

    def kill_child(self) -> None:
        os.kill(self.child, signal.SIGKILL)

    def kill_supervisor(self) -> None:
        self.supervisor.kill()
        self.supervisor.wait()

    def kill_both(self) -> None:
        os.killpg(self.supervisor.pid, signal.SIGKILL)
        self.supervisor.wait()


def part_of(run: Run) -> Part:
    """The run's part that is still open, or else its last."""
    return Part.objects.filter(run=run).order_by("closed", "-id")[0]


def owner_of(run: Run, workers: Workers) -> Owner:
    """Whoever owns the run's part now, or next."""
    until(lambda: part_of(run).token is not None)
    part = part_of(run)
    assert part.token is not None
    child = Worker.objects.get(pk=part.worker).pid
    supervisor = next(worker for worker in workers.started if child in children_of(worker.pid))
    return Owner(supervisor, child, part.token)


def until_owned_anew(run: Run, token: int) -> float:
    """Wait until the part has another owner than the one with this token, or has had one by the run's end; gives how
    long that took, in seconds."""
    others = Part.objects.filter(run=run, token__isnull=False).exclude(token=token)
    ended = Run.objects.filter(pk=run.pk, finished_at__isnull=False)
    return until(lambda: others.exists() or ended.exists())


def processed(run: Run) -> int:
    """How many of the run's items have ended."""
    parts = Part.objects.filter(run=run).values_list("succeeded", "failed", "skipped")
    return sum(sum(part) for part in parts)


def entries(run_id: UUID) -> Counter[str]:
    """How often each item is in the ledger."""
    return Counter(LedgerEntry.objects.filter(run=run_id).values_list("item", flat=True))


def is_locked() -> bool:
    """Whether somebody holds SQLite's write lock, and doesn't let go of it within a moment."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 100")
    try:
        with transaction.atomic():
            return False
    except OperationalError:
        return True
    finally:
        connection.close()  # and with it the short patience


def freeze(group: int) -> None:
    """Stop a worker's processes, on SQLite where none of their threads is writing."""
    stop_group(group)
    while connection.vendor == "sqlite" and is_locked():
        thaw(group)
        stop_group(group)


def thaw(group: int) -> None:
    os.killpg(group, signal.SIGCONT)
