"""Tickets: for callers that sign in by a header, which EventSource and WebSocket can't send.

A ticket is signed, names one user and one run, and opens a stream for a minute. A stream's opening brings the next
one, but not for ever: after a quarter of an hour the header must be shown again, in case the token behind it is gone;
a changed password ends it at once. `hide` takes a ticket out of the scope before any server's access log reads that.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode

from django.core import signing
from django.utils.crypto import salted_hmac

from headway.live.protocol import Scope

TICKET = "ticket"
GOOD_FOR = 60  # s
SIGNED_IN_FOR = 15 * 60  # s after an answer to a header, for which tickets follow upon tickets
SALT = "headway.live.tickets"
STAMP_LENGTH = 16  # hexadecimal digits
TICKETED = ("events", "socket")


@dataclass(frozen=True)
class Holder:
    """Who has signed in by a header, and when last: what all tickets that follow upon it say."""

    user_key: str
    stamp: str
    since: int
    """Seconds since 1970."""


def holder_of(user: Any) -> Holder:
    """This user, who signs in by a header just now."""
    return Holder(str(user.pk), stamp(user), int(time.time()))


def stamp(user: Any) -> str:
    """What changes with the user's password, and tells nothing of it."""
    said = user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""
    return salted_hmac(SALT, said, algorithm="sha256").hexdigest()[:STAMP_LENGTH]


def issue(holder: Holder, run_id: str) -> str:
    """A ticket for this user and this run."""
    return signing.dumps([run_id, *asdict(holder).values()], salt=SALT)


def read(ticket: str, run_id: str) -> Holder | None:
    """Whose ticket for this run it is; None when it is forged, for another run, or too old, or their signing in is."""
    try:
        run, *told = signing.loads(ticket, salt=SALT, max_age=GOOD_FOR)
        holder = Holder(*told)
        fresh = time.time() - holder.since < SIGNED_IN_FOR
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return holder if run == run_id and fresh else None


def with_tickets(run: dict[str, Any], holder: Holder) -> dict[str, Any]:
    """The snapshot for a caller that signed in by a header: what a browser opens by itself carries a fresh ticket."""
    query = urlencode({TICKET: issue(holder, run["id"])})
    links = {name: f"{link}?{query}" if name in TICKETED else link for name, link in run["links"].items()}
    return run | {"links": links}


def hide(scope: Scope) -> Scope:
    """The request with its ticket, as the gate is to see it; in `scope` itself the ticket is put out of sight.

    Servers write their access log from the scope that they gave us, once we answer.
    """
    if not has_ticket(scope):
        return scope
    whole = {**scope}
    pairs = scope["query_string"].split(b"&")
    scope["query_string"] = b"&".join(TICKET.encode() + b"=hidden" if is_ticket(pair) else pair for pair in pairs)
    return whole


def has_ticket(scope: Scope) -> bool:
    """Whether there is a ticket in the query, as the view will read it: names may be percent-encoded."""
    return any(is_ticket(pair) for pair in scope["query_string"].split(b"&"))


def is_ticket(pair: bytes) -> bool:
    return unquote_plus(pair.partition(b"=")[0].decode("latin-1")) == TICKET
