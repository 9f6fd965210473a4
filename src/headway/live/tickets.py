"""Tickets: for callers that sign in by a header, which EventSource and WebSocket can't send.

A ticket is signed, names one user and one run, and opens a stream for a minute. It goes in the query string, so
`hide` takes it out of the scope before any server's access log reads that.
"""

from typing import Any
from urllib.parse import unquote_plus, urlencode

from django.core import signing

from .protocol import Scope

__all__ = ["TICKET", "has_ticket", "hide", "holder", "with_tickets"]

TICKET = "ticket"
GOOD_FOR = 60  # s
SALT = "headway.live.tickets"
TICKETED = ("events", "socket")


def issue(user_key: Any, run_id: str) -> str:
    """A ticket for the user with this primary key and for this run."""
    return signing.dumps([str(user_key), run_id], salt=SALT)


def holder(ticket: str, run_id: str) -> str | None:
    """The key of the user whose ticket for this run it is; None when it is forged, too old or for another run."""
    try:
        user, run = signing.loads(ticket, salt=SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return user if run == run_id else None


def with_tickets(run: dict[str, Any], user_key: Any) -> dict[str, Any]:
    """The snapshot for a caller that signed in by a header: what a browser opens by itself carries a fresh ticket."""
    query = urlencode({TICKET: issue(user_key, run["id"])})
    links = {name: f"{link}?{query}" if name in TICKETED else link for name, link in run["links"].items()}
    return run | {"links": links}


def hide(scope: Scope) -> Scope:
    """The request with its ticket, as the gate is to see it; in `scope` itself the ticket is put out of sight.

    Servers write their access log from the scope that they gave us, once we answer.
    """
    if not has_ticket(scope):
        return scope
    whole = {**scope}
    scope["query_string"] = b"&".join(hidden(pair) for pair in scope["query_string"].split(b"&"))
    return whole


def has_ticket(scope: Scope) -> bool:
    """Whether there is a ticket in the query, as the view will read it: names may be percent-encoded."""
    return any(is_ticket(pair) for pair in scope["query_string"].split(b"&"))


def hidden(pair: bytes) -> bytes:
    return pair.partition(b"=")[0] + b"=hidden" if is_ticket(pair) else pair


def is_ticket(pair: bytes) -> bool:
    return unquote_plus(pair.partition(b"=")[0].decode("latin-1")) == TICKET
