"""The moments at which items may begin under a rate, given away one after the other to whichever worker asks.

One statement gives a worker its moments, in a transaction of its own, never inside a chunk's: the rate's row is locked
for a millisecond, not for as long as a chunk takes.
"""

from typing import NamedTuple

from django.db.models import F
from django.db.models.functions import Greatest

from headway.database import NowMs, write
from headway.database.statements import Given, Insert, Rows, Update, UpdateOne
from headway.models import SharedRate

SLACK_US = 20_000  # what a worker loses between two reservations may be made up for
MS = 1_000  # µs


class Reserved(NamedTuple):
    """Moments, evenly spaced, that nobody else has; or none, as the next is too far away."""

    moments: int
    left_us: int
    """Until the first of them, or until the next one that is free; below 0: it may be a little late."""
    free_at: int
    """Behind the last of them, by the database's clock in µs."""


def reserve(name: str, interval_us: int, count: int, near_us: int) -> Reserved:
    """The next so many moments of a rate, unless the first is farther away than `near_us`."""
    length = count * interval_us
    with write():
        row = RESERVE(name=name, length=length, near=near_us)
        if row is None:
            for (left_us,) in LEFT(name=name):
                return Reserved(0, left_us, 0)
            GET_IN(SharedRate(name=name, free_at=0))
            row = RESERVE(name=name, length=length, near=near_us)
    return Reserved(count, row.free_at - length - row.changed * MS, row.free_at) if row else Reserved(0, 0, 0)


def give_back(name: str, free_at: int, unused_us: int) -> bool:
    """Give back the last of the moments that ended at `free_at`. False when others have taken the next ones since."""
    with write():
        return bool(GIVE_BACK(name=name, free_at=free_at, unused=unused_us))


def hold_off(name: str, seconds: float) -> None:
    """Give nobody a moment before so many seconds have passed: the other side has asked for that."""
    with write():
        HOLD_OFF(name=name, pause=round(seconds * 1_000_000))


THE_RATE = SharedRate.objects.filter(name=Given("name", SharedRate))
NOW_US = NowMs() * MS
RESERVE: UpdateOne[SharedRate] = UpdateOne(
    THE_RATE.filter(free_at__lte=NOW_US + Given("near")),
    free_at=Greatest(F("free_at"), NOW_US - SLACK_US) + Given("length"),
    changed=NowMs(),
)
LEFT = Rows(THE_RATE.values_list(F("free_at") - NOW_US))
GET_IN = Insert(SharedRate, unless_there=True, changed=NowMs())
GIVE_BACK = Update(THE_RATE.filter(free_at=Given("free_at")), free_at=F("free_at") - Given("unused"), changed=NowMs())
HOLD_OFF = Update(THE_RATE, free_at=Greatest(F("free_at"), NOW_US + Given("pause")), changed=NowMs())
