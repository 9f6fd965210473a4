"""What live delivery asks the database: which runs have changed, and which runs a user has. Only reading."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from headway.database import NowMs, data_version
from headway.models import Part, Run

ENDED_MS = 60_000  # for which an ended run stays in its owner's stream
MOST = 200  # runs with which a user's stream opens; each costs a millisecond at most, and the others wait meanwhile
LATELY_MS = 3_000  # longer than a round, and than most transactions; the full question finds what commits later still


class Version(NamedTuple):
    """What of a run changes whenever a watcher must hear of it, apart from why it still waits."""

    revision: int
    stalled: bool
    done: bool


def versions(run_ids: Iterable[UUID]) -> dict[UUID, Version]:
    """Each run's version, by one statement; those that aren't there are left out."""
    parts: Any = (
        Part.objects.filter(run__in=list(run_ids), run__deleted=False)
        .order_by()
        .values_list("run_id")
        .annotate(
            revision=Max("run__revision") + Sum("seq"),
            silent=Count("id", filter=Q(token__isnull=False, due__lt=NowMs())),
            ended=Count("run__finished_at"),
        )
    )
    return {
        run_id: Version(revision, stalled=bool(silent) and not ended, done=bool(ended))
        for run_id, revision, silent, ended in parts
    }


def changed_lately() -> set[UUID]:
    """All runs that changed within the last seconds: by the indexes, so it costs what changes, not what is watched."""
    since = NowMs() - LATELY_MS
    parts = Part.objects.filter(changed__gte=since).order_by().values_list("run_id", flat=True)
    return set(parts.distinct()) | set(Run.objects.filter(changed__gte=since).order_by().values_list("id", flat=True))


def runs_of(user_keys: Iterable[str]) -> dict[UUID, str]:
    """Each user's newest runs of those that are live or ended within the last minute, with their owner's key."""
    recent = Q(finished_at__isnull=True) | Q(changed__gte=NowMs() - ENDED_MS)
    place = Window(RowNumber(), partition_by="started_by", order_by=["-created_at", "id"])
    found = Run.objects.filter(recent, started_by__in=list(user_keys)).annotate(place=place)
    return owned(found.filter(place__lte=MOST))


def runs_of_lately(user_keys: Iterable[str]) -> dict[UUID, str]:
    """Those of them that changed within the last seconds, new ones among them."""
    return owned(Run.objects.filter(changed__gte=NowMs() - LATELY_MS, started_by__in=list(user_keys)))


def owned(runs: QuerySet[Run]) -> dict[UUID, str]:
    return {run_id: str(owner) for run_id, owner in runs.order_by("created_at").values_list("id", "started_by_id")}


def commits() -> int | None:
    """A number that stays the same while no other connection commits; None where the database has no such thing."""
    return data_version() if connection.vendor == "sqlite" else None
