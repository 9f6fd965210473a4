"""Who asks to watch: by what a header says, a ticket or the session. Which headers say something, `http` registers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from . import tickets

__all__ = ["By", "Caller", "caller_of", "register"]

ByHeader = Callable[[HttpRequest], Any]
registered: list[ByHeader] = []


class By(StrEnum):
    """What a caller is known by."""

    HEADER = "header"
    TICKET = "ticket"
    SESSION = "session"


@dataclass(frozen=True)
class Caller:
    """A signed-in user, and what tells so."""

    user: Any
    by: By


def register(by_header: ByHeader) -> None:
    """Let this callable name the user whom a request's headers stand for (cookies aside), or None."""
    if by_header not in registered:
        registered.append(by_header)


def caller_of(request: HttpRequest, run_id: str | None = None) -> Caller | None:
    """Who asks; None when nobody is signed in. A ticket counts only for the run that it was made for."""
    session = request.user if hasattr(request, "user") else None  # now: DRF puts its own in its place
    for by_header in registered:
        if user := by_header(request):
            return Caller(user, By.HEADER)
    ticket = request.GET.get(tickets.TICKET)
    if ticket is not None:
        user = ticket_holder(ticket, run_id)
        return Caller(user, By.TICKET) if user else None
    return Caller(session, By.SESSION) if session is not None and session.is_authenticated else None


def ticket_holder(ticket: str, run_id: str | None) -> Any:
    """The user of a ticket that is good for this run, as long as they may sign in; else None."""
    key = tickets.holder(ticket, run_id) if run_id else None
    if key is None:
        return None
    try:
        user = get_user_model()._default_manager.filter(pk=key).first()
    except (ValueError, ValidationError):
        return None
    return user if user is not None and user.is_active else None
