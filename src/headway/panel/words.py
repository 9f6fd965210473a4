"""Numbers, durations and moments as people read them, in the language that is active. words.js says the same."""

from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext_lazy

SECOND, MINUTE, HOUR, DAY = 1, 60, 3_600, 86_400
UNITS = {
    SECOND: ngettext_lazy("%(count)d second", "%(count)d seconds", "count"),
    MINUTE: ngettext_lazy("%(count)d minute", "%(count)d minutes", "count"),
    HOUR: ngettext_lazy("%(count)d hour", "%(count)d hours", "count"),
    DAY: ngettext_lazy("%(count)d day", "%(count)d days", "count"),
}


def number(value: int) -> str:
    """Grouped: 28,298."""
    return str(number_format(value, force_grouping=True))


def percentage(value: float) -> str:
    """Rounded down: 99.9 is not yet 100%."""
    return gettext("%(percent)d%%") % {"percent": int(value)}


def shares(*counts: int) -> list[str]:
    """Rounded so that they add up to 100, but neither all nor nothing before it is so: <1%, >99%."""
    of = sum(counts)
    whole = [count * 100 // of for count in counts]
    for place in sorted(range(len(counts)), key=lambda place: -(counts[place] * 100 % of))[: 100 - sum(whole)]:
        whole[place] += 1
    return [share(count * 100 / of, percent) for count, percent in zip(counts, whole, strict=True)]


def share(exactly: float, rounded: int) -> str:
    if 0 < exactly < 1:
        return "<" + percentage(1)
    return ">" + percentage(99) if 99 < exactly < 100 else percentage(rounded)


def speed(per_second: float) -> str:
    """A tenth only where it says something."""
    return number(int(per_second)) if per_second >= 10 else str(number_format(round(per_second, 1)))


def duration(seconds: float) -> str:
    """With the two largest units: 1 minute 9 seconds."""
    left = int(max(0, seconds))
    for unit, part in ((DAY, HOUR), (HOUR, MINUTE), (MINUTE, SECOND)):
        if left >= unit:
            more = left % unit // part
            return f"{so_many(left // unit, unit)} {so_many(more, part)}" if more else so_many(left // unit, unit)
    return so_many(left, SECOND)


def about(seconds: float) -> str:
    """Rounded, as an estimate is: 40 seconds, 3 minutes, 2 hours."""
    if seconds < 10:
        return so_many(max(1, round_half_up(seconds)), SECOND)
    if seconds < 55:
        return so_many(round_half_up(seconds / 10) * 10, SECOND)
    unit = MINUTE if seconds < HOUR - 30 else HOUR if seconds < DAY - HOUR / 2 else DAY
    return so_many(max(1, round_half_up(seconds / unit)), unit)


def so_many(count: int, unit: int) -> str:
    return str(UNITS[unit] % {"count": count})


def clock(seconds: float) -> str:
    """A countdown: 0:48."""
    left = int(max(0, seconds))
    return f"{left // MINUTE}:{left % MINUTE:02d}"


def moment(value: datetime, now: datetime, *, exact: bool = False) -> str:
    """The time of day, with the day where it isn't today: 16:08, or November 23, 16:08."""
    here, today = localtime(value), localtime(now)
    time = date_format(here, "H:i:s" if exact else "H:i")
    return time if here.date() == today.date() else f"{date_format(here, 'MONTH_DAY_FORMAT')}, {time}"


def round_half_up(value: float) -> int:
    """As the browser rounds; Python's own `round` goes to the even number."""
    return int(value + 0.5)
