"""What starts by itself: when next, what came of the last time, and what was missed; in words."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headway import panel, runs
from headway.addresses import of_page
from headway.models import LastTick
from headway.operations.base import Operation
from headway.operations.schedules import IS_NEWS_MS
from headway.panel import words
from headway.runs.starting import lasting_name
from headway.runs.ticks import next_tick
from headway.store.starts import ticks


def planned(operations: Iterable[type[Operation]], user: Any) -> list[tuple[type[Operation], dict[str, str] | None]]:
    """Each operation with what is planned of it: None where it has no schedule; then nothing is asked for it."""
    found, now = list(operations), round(time.time() * 1000)
    names = [lasting_name(each) for each in found if each.schedule is not None]
    known = ticks.of(names) if names else {}
    last = {row.run for row in known.values() if row.run}
    found_last = panel.show_all(runs.visible_to(user).filter(pk__in=last), user) if last else []
    seen = {UUID(shown.run["id"]): shown for shown in found_last}

    return [
        (each, of_one(each, known.get(lasting_name(each)), seen, now) if each.schedule is not None else None)
        for each in found
    ]


def of_one(
    operation: type[Operation], known: LastTick | None, seen: dict[UUID, panel.Shown], now: int
) -> dict[str, str]:
    """As templates show it: `next`; `last`, the `last_address` of that run and, as `last_word`, what became of it;
    `missed`, and as `lapse` why nothing was started then: as `LastTick.Lapse` has it, or "made-up" where one run has
    made up for it. Without a value: ""."""
    coming = next_tick(operation, max(now, known.tick) if known else now)
    shown = seen.get(known.run) if known and known.run else None
    missed = known.missed if known and known.missed and now - known.missed < IS_NEWS_MS else None
    made_up = known and known.lapse == LastTick.Lapse.NO_WORKER and operation.missed == "once"
    exact = len((operation.schedule or "").split()) > 5  # a schedule of six fields names seconds
    begun = datetime.fromisoformat(shown.run["created_at"]) if shown else None
    return {
        "next": moment(coming, now, exact),
        "last": words.moment(begun, at(now), exact=exact) if begun else "",
        "last_address": of_page("run", shown.run["id"]) if shown else "",
        "last_word": shown.render("headway/word.html").strip() if shown else "",
        "missed": moment(missed, now, exact),
        "lapse": "" if missed is None or known is None else "made-up" if made_up else known.lapse,
    }


def moment(tick: int | None, now: int, exact: bool) -> str:
    return "" if tick is None else words.moment(at(tick), at(now), exact=exact)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
