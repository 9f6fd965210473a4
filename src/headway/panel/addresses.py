"""Where a panel's links and buttons lead: to the pages where those are mounted, else to the API."""

from collections.abc import Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse

__all__ = ["address", "events", "hrefs"]

STEERING = ("pause", "resume", "cancel", "retry")


def hrefs(run: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of this snapshot's panel."""
    run_id, links = run["id"], run["links"]
    page, failures = address("run", run_id), links.get("failures", "")
    steering = {name: address(name, run_id) or f"{links.get('self', '')}{name}/" for name in STEERING}
    return {
        **steering,
        "page": page,
        "failures": failures,
        "list": f"{page}#failures" if page else failures,
        "again": address("start", run["operation"]),
    }


def events() -> str:
    """The stream of all the runs of whoever asks; "" where the API isn't mounted."""
    return reversed_or_empty("headway:events")


def address(name: str, *arguments: str) -> str:
    """One of the pages' addresses; "" where they aren't mounted."""
    return reversed_or_empty(f"headway_ui:{name}", *arguments)


def reversed_or_empty(name: str, *arguments: str) -> str:
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
