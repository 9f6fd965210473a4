"""A person's runs, page by page."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, Subquery
from django.urls import NoReverseMatch, reverse

from headway import panel
from headway.models import Run

__all__ = ["History", "history_of"]


@dataclass(frozen=True)
class History:
    """A page of runs, the newest first."""

    runs: list[panel.Shown]
    next: UUID | None
    """What the next page comes after."""
    is_first: bool

    @property
    def events(self) -> str:
        """The stream of all the person's runs; "" where the API isn't mounted."""
        return address("events")

    @property
    def polled(self) -> str:
        """The same to be asked now and then."""
        return address("runs")


def history_of(user: Any, *, after: UUID | None = None, limit: int = 20) -> History:
    """The runs that `user` started, after the run `after`: by keyset."""
    mine = Run.objects.filter(started_by=user.pk)
    begun = False
    if after is not None and mine.filter(pk=after).exists():
        begun = True
        # The database compares its own value: as a parameter, SQLite would have it with more digits than are stored.
        moment = Subquery(Run.objects.filter(pk=after).values("created_at"))
        mine = mine.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__gt=after))
    found = list(mine.select_related("started_by").order_by("-created_at", "id")[: limit + 1])
    more = len(found) > limit
    return History(panel.show_all(found[:limit], user), found[limit - 1].pk if more else None, not begun)


def address(name: str) -> str:
    try:
        return reverse(f"headway:{name}")
    except NoReverseMatch:
        return ""
