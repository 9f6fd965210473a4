"""A person's runs, page by page."""

from dataclasses import dataclass
from typing import Any

from headway import addresses, panel
from headway.models import Run
from headway.runs.pages import behind, cursor_of

__all__ = ["History", "history_of"]


@dataclass(frozen=True)
class History:
    """A page of runs, the newest first."""

    runs: list[panel.Shown]
    next: str
    """What the next page comes after; "" behind the last one."""
    is_first: bool

    @property
    def events(self) -> str:
        """The stream of all the person's runs; "" where the API isn't mounted."""
        return addresses.of_api("events")

    @property
    def polled(self) -> str:
        """The same to be asked now and then."""
        return addresses.of_api("runs")


def history_of(user: Any, *, after: str | None = None, limit: int = 20) -> History:
    """The runs that `user` started, behind this cursor; the first ones for a cursor that is none."""
    mine = Run.objects.filter(started_by=user.pk).select_related("started_by")
    try:
        rows = behind(mine, after)
    except ValueError:
        rows, after = behind(mine, None), None
    found = list(rows[: limit + 1])
    following = cursor_of(found[limit - 1].created_at, found[limit - 1].pk) if len(found) > limit else ""
    return History(panel.show_all(found[:limit], user), following, after is None)
