"""What is due later, due now: a test never waits for it."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Manager

from headway.database import NowMs
from headway.models import ItemOutcome, ItemState, LastTick, Part, Run, SharedRate, Worker


def end_waits() -> None:
    """As if everything that any run waits for were over: what is due later is due now, for the next `drain`."""
    now = NowMs()
    ItemOutcome.objects.filter(state=ItemState.RETRYING).update(retry_at=now)
    Part.objects.filter(token=None, due__gt=now).update(due=now)
    SharedRate.objects.update(free_at=0)


def turn_clock(by: timedelta) -> None:
    """As if this time had passed since all that is stored: what was due in it is due, leases have run out, runs have
    ended so long ago."""
    ms = by // timedelta(milliseconds=1)
    bring_back(Run.everything, created_at=by, started_at=by, finished_at=by, paused_since=ms, changed=ms)
    bring_back(Part.objects, due=ms, changed=ms)
    bring_back(ItemOutcome.objects, retry_at=ms)
    bring_back(SharedRate.objects, free_at=ms * 1_000, changed=ms)
    bring_back(Worker.objects, beat=ms)
    bring_back(LastTick.objects, tick=ms, missed=ms)


def bring_back(rows: Manager[Any], **columns: timedelta | int) -> None:
    rows.update(**{name: F(name) - by for name, by in columns.items()})
