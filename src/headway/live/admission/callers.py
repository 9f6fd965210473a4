"""The caller: known by a header, a ticket or the session. `http` registers the headers that name one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from . import tickets

ByHeader = Callable[[HttpRequest], Any]
registered: list[ByHeader] = []


@dataclass(frozen=True)
class Caller:
    """A signed-in user."""

    user: Any
    holder: tickets.Holder | None = None
    """Their sign-in by a header or a ticket; None: by a session, which needs no tickets."""


class Refused(Exception):
    """The caller isn't known, or may not ask at all: `answer` says why."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(answer)
        self.answer = answer


def register(by_header: ByHeader) -> None:
    """Let this callable name the user whom a request's headers stand for (cookies aside), or None.

    It may raise Refused.
    """
    if by_header not in registered:
        registered.append(by_header)


def caller_of(request: HttpRequest, run_id: str | None = None) -> Caller | None:
    """The caller; None without a sign-in. A ticket counts only for the run that it was made for.

    Raises Refused.
    """
    session = request.user if hasattr(request, "user") else None  # now: DRF puts its own in its place
    for by_header in registered:
        if user := by_header(request):
            return Caller(user, tickets.holder_of(user))
    ticket = request.GET.get(tickets.TICKET)
    if ticket is not None:
        return by_ticket(ticket, run_id)
    return Caller(session) if session is not None and session.is_authenticated else None


def by_ticket(ticket: str, run_id: str | None) -> Caller | None:
    """Whose ticket it is, if it is good for this run, they may sign in, and their password is still the same."""
    holder = tickets.read(ticket, run_id) if run_id else None
    if holder is None:
        return None
    try:
        user = get_user_model()._default_manager.filter(pk=holder.user_key).first()
    except (ValueError, ValidationError):
        return None
    if user is None or not user.is_active or tickets.stamp(user) != holder.stamp:
        return None
    return Caller(user, holder)
