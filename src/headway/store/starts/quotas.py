"""What one person can pile up is bounded: runs that haven't ended, uploads that are kept, keys of one run.

The transaction that adds to it looks, and is undone where that was too much. Two at the same moment may not see each
other: a bound against piling up needn't be exact.
"""

from django.db.models import QuerySet, Sum

from headway.conf import conf
from headway.errors import QuotaExceeded
from headway.models import IdempotencyKey, Run

from .keys import Key
from .requests import Request

KEYS_PER_RUN = 1_000  # each start that joins a run under a new key leaves one


def check_new(request: Request, run: Run) -> None:
    """Raises QuotaExceeded where the owner of this run, which has just been inserted, has too much now."""
    if not request.is_bounded or run.started_by_id is None:
        return
    theirs, settings = Run.objects.filter(started_by=run.started_by_id).order_by(), conf()
    if theirs.filter(finished_at__isnull=True)[settings.runs_per_user :].exists():
        raise QuotaExceeded("runs", settings.runs_per_user)
    if run.upload_bytes and kept_by(theirs) > settings.upload_bytes_per_user:
        raise QuotaExceeded("uploads", settings.upload_bytes_per_user)


def kept_by(theirs: QuerySet[Run]) -> int:
    """The bytes of all files that these runs were started with; a retry has its first run's."""
    kept: int = theirs.filter(upload_bytes__isnull=False).aggregate(bytes=Sum("upload_bytes"))["bytes"]
    return kept


def check_keys(key: Key, run: Run) -> None:
    """Raises QuotaExceeded where this caller has given the run as many keys as one may."""
    rows = IdempotencyKey.objects.filter(run=run, principal=key.principal).exclude(key=key.text).order_by()
    if rows[KEYS_PER_RUN - 1 : KEYS_PER_RUN].exists():
        raise QuotaExceeded("keys", KEYS_PER_RUN)
