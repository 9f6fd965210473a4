"""What every worker sees to now and then, beside its work.

When the database's clock is set back, what was stored before lies in the future: it is brought back to the present.
A clock that is set forward only ends leases and waits too early. The ticks of schedules aren't brought back: none may
come twice, so they wait until the clock has passed the last one again.
"""

from typing import Any

from django.db.models import F, Q, QuerySet

from headway.database import NowMs, write
from headway.models import ItemOutcome, ItemState, Part, Run, SharedRate, Worker
from headway.store import answers
from headway.store.parts import holds, shared_holds, workers
from headway.store.parts.leases import lease_ms
from headway.store.runs import endings
from headway.store.starts import keys

from . import removals, retention

AHEAD_MS = 1_000  # more than two statements that run at the same moment can differ by


def tidy() -> None:
    """Forget idempotency keys and answers whose time is over, what is left of deleted runs, runs whose time is over,
    and workers that are gone; let no run wait for a key or a hold that is free, nor for a clock that was set back.
    """
    bring_back()
    keys.forget_expired()
    answers.forget_expired()
    removals.clear_away(seconds=1)
    retention.prune_now_and_then()
    workers.forget_silent()
    endings.promote_stranded()
    holds.promote_stranded()
    shared_holds.renew_all()


def bring_back() -> None:
    """Let no part and no rate wait, and no worker count as alive, for as long as the clock was set back.

    What waits keeps what was left of its wait. A lease ends after a lease at the latest, so an owner that lives has the
    time to renew it.
    """
    latest = NowMs() + AHEAD_MS
    ahead = Q(changed__gt=latest)
    for part in Part.objects.filter(ahead, retrying__gt=0):
        later = ItemOutcome.objects.filter(part=part, state=ItemState.RETRYING)
        bring(later, retry_at=F("retry_at") - part.changed + NowMs())
    bring(Part.objects.filter(ahead, token=None), due=NowMs() + F("due") - F("changed"), changed=NowMs(), pace=[])
    bring(Part.objects.filter(token__isnull=False, due__gt=latest + lease_ms()), due=NowMs() + lease_ms())
    bring(Run.objects.filter(ahead), changed=NowMs())
    bring(SharedRate.objects.filter(ahead), free_at=F("free_at") + 1_000 * (NowMs() - F("changed")), changed=NowMs())
    bring(Worker.objects.filter(beat__gt=latest), beat=NowMs())


def bring(rows: QuerySet[Any], **columns: Any) -> None:
    """Change these rows, if there are any: an UPDATE would take SQLite's lock for nothing."""
    if rows.exists():
        with write():
            rows.update(**columns)
