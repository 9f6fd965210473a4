"""A person's runs, page by page."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from headway import panel
from headway.models import Run
from headway.runs.places import Place, behind

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
    begun = mine.filter(pk=after).values_list("created_at", flat=True).first() if after else None
    place = Place.at(begun, after) if after and begun else None
    found = list(behind(mine.select_related("started_by"), place)[: limit + 1])
    more = len(found) > limit
    return History(panel.show_all(found[:limit], user), found[limit - 1].pk if more else None, place is None)


def address(name: str) -> str:
    try:
        return reverse(f"headway:{name}")
    except NoReverseMatch:
        return ""
