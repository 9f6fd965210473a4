"""Numbers, durations and moments as people read them, in the language that is active. words.js says the same."""

from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

__all__ = ["about", "clock", "duration", "moment", "number", "percentage", "share", "speed"]

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def number(value: int) -> str:
    """Grouped: 28,298."""
    return str(number_format(value, force_grouping=True))


def percentage(value: float) -> str:
    """Rounded down: 99.9 is not yet 100%."""
    return gettext("%(percent)d%%") % {"percent": int(value)}


def share(count: int, of: int) -> str:
    """Rounded, but neither all nor nothing before it is so: <1%, >99%."""
    percent = count * 100 / of
    if 0 < percent < 1:
        return "<" + percentage(1)
    return ">" + percentage(99) if 99 < percent < 100 else percentage(round_half_up(percent))


def speed(per_second: float) -> str:
    """A tenth only where it says something."""
    return number(int(per_second)) if per_second >= 10 else str(number_format(round(per_second, 1)))


def duration(seconds: float) -> str:
    """With the two largest units: 1 minute 9 seconds."""
    left = int(max(0, seconds))
    if left < MINUTE:
        return in_seconds(left)
    if left < HOUR:
        return two(in_minutes(left // MINUTE), in_seconds(left % MINUTE), left % MINUTE)
    if left < DAY:
        return two(in_hours(left // HOUR), in_minutes(left % HOUR // MINUTE), left % HOUR // MINUTE)
    return two(in_days(left // DAY), in_hours(left % DAY // HOUR), left % DAY // HOUR)


def about(seconds: float) -> str:
    """Rounded, as nobody knows it better: 40 seconds, 3 minutes, 2 hours."""
    if seconds < 10:
        return in_seconds(max(1, round_half_up(seconds)))
    if seconds < 55:
        return in_seconds(round_half_up(seconds / 10) * 10)
    if seconds < HOUR - 30:
        return in_minutes(max(1, round_half_up(seconds / MINUTE)))
    if seconds < DAY - HOUR / 2:
        return in_hours(max(1, round_half_up(seconds / HOUR)))
    return in_days(max(1, round_half_up(seconds / DAY)))


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


def two(first: str, second: str, count: int) -> str:
    return f"{first} {second}" if count else first


def in_seconds(count: int) -> str:
    return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}


def in_minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def in_hours(count: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}


def in_days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
