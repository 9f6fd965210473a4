"""A person's runs, page by page."""

from typing import Any

from headway import addresses, panel
from headway.models import Run
from headway.runs.pages import behind, cursor_of


def history_of(user: Any, *, after: str | None = None, limit: int = 20) -> dict[str, Any]:
    """A page of the runs that `user` started, behind this cursor; the first page for a cursor that is none.

    `runs`: the newest first; `next`: what the next page comes after ("": this is the last); `events` and `polled`: the
    stream of all the person's runs, and the same to be asked now and then ("" where the API isn't mounted).
    """
    mine = Run.objects.filter(started_by=user.pk).select_related("started_by")
    try:
        rows = behind(mine, after)
    except ValueError:
        rows, after = behind(mine, None), None
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return {
        "runs": panel.show_all(found[:limit], user),
        "next": cursor_of(last.created_at, last.pk) if last else "",
        "is_first": after is None,
        "events": addresses.of_api("events"),
        "polled": addresses.of_api("runs"),
    }
