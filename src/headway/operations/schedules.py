"""When an operation starts by itself: `schedule`, as cron says it, in a time zone; pure arithmetic, by any clock.

Its moments are ticks, in whole milliseconds since 1970. Daylight saving as Debian's cron has it: of five fields with
fixed minutes and hours a tick whose time doesn't exist comes right behind the gap, and one whose time comes twice only
at the first; all other schedules go by the hours that pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

GRACE_MS = 60_000  # a tick that is seen so late is on time: workers were restarted, or the machine was busy
IS_NEWS_MS = 7 * 86_400_000  # people are told of a missed tick for a week
LONGEST = 100  # characters
INSTALL = "pip install 'django-headway[schedules]'"


@dataclass(frozen=True)
class Schedule:
    """The ticks of an operation. As text, all that makes them what they are."""

    text: str
    zone: str

    def __str__(self) -> str:
        return f"{self.text} {self.zone}"

    def next(self, after: int) -> int | None:
        """The first tick after this moment; None: there is none within fifty years."""
        # In the hour that comes twice the parser goes back to the first of them.
        return next((tick for tick in self.walk(after) if tick > after), None)

    def due(self, after: int, now: int) -> tuple[int | None, list[int]]:
        """(the last tick that is late, those on time) of all after one moment and up to another."""
        on_time = max(after, now - GRACE_MS)
        ticks: list[int] = []
        while (tick := self.next(ticks[-1] if ticks else on_time)) is not None and tick <= now:
            ticks.append(tick)
        return self.last(after, on_time), ticks

    def last(self, after: int, until: int) -> int | None:
        """The last tick of all after one moment and up to another: from the second before it on, walked as `next` does.
        The parser's way back misses some, and finds others that there aren't, where clocks are turned."""
        *_, begin = after, *islice(self.walk(until + 1, back=True), 2)
        ticks = takewhile(lambda tick: tick <= until, self.walk(max(after, begin - 1)))
        return max((tick for tick in ticks if tick > after), default=None)

    def walk(self, since: int, *, back: bool = False) -> Iterator[int]:
        """One tick after the other, or before."""
        from cronsim import CronSim  # an extra

        moment = datetime.fromtimestamp(since / 1000, UTC).astimezone(ZoneInfo(self.zone))
        return (round(tick.timestamp() * 1000) for tick in CronSim(self.text, moment, reverse=back))


def schedule_of(operation: Any) -> Schedule | None:
    """What its class declares; the zone is the project's, unless it says otherwise."""
    if operation.schedule is None:
        return None
    return Schedule(" ".join(operation.schedule.split()), operation.schedule_zone or settings.TIME_ZONE)


def fault_of(text: Any, zone: Any) -> str | None:
    """What is wrong with such a declaration, and what would be right; None: it can be kept."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return f"schedule is {text!r:.200}; it must be text as cron has it, such as '0 3 * * *'."
    return fault_of_text(text) or fault_of_zone(zone)


@cache
def fault_of_text(text: str) -> str | None:
    try:
        from cronsim import CronSim, CronSimError  # an extra
    except ImportError:
        return None  # headway.E032 tells it: a class that can't be made would end each command, the doctor too
    example = (
        "Five fields are minute, hour, day, month and weekday, such as '0 3 * * *'; a sixth before them is seconds."
    )
    try:
        next(CronSim(text, datetime.now(UTC)))
    except CronSimError as error:
        return f"schedule is {text!r}: {error}. {example}"
    except StopIteration:
        return f"schedule is {text!r}, which never comes. {example}"
    return None


def fault_of_zone(zone: Any) -> str | None:
    try:
        if zone == "localtime":
            raise ValueError(zone)  # another one on each machine
        if zone is not None:
            ZoneInfo(zone)
    except (OSError, TypeError, ValueError, LookupError):
        return f"schedule_zone is {zone!r}; it must be a time zone by its name, such as 'Europe/Berlin', or None."
    return None
