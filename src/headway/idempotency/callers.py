"""Whose key it is: two callers with one key are two requests."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from headway.errors import NoCaller

Scope = Callable[[HttpRequest], str | None]


class RefusedByView(Exception):
    """The view doesn't take these credentials, and answers so itself."""


def principal_of(request: HttpRequest, view: Any, scope: Scope | None) -> str:
    """The user's primary key, or what the project's `scope` says. Raises NoCaller where there is neither,
    and RefusedByView.
    """
    if scope is not None and (said := scope(request)):
        return f"scope {said}"
    user = user_of(request, view)
    if user is None or not user.is_authenticated:
        raise NoCaller
    return f"user {user.pk}"


def user_of(request: HttpRequest, view: Any) -> Any:
    """Who asks. A view of Django REST framework has its own ways to know, such as a token."""
    kind = getattr(view, "cls", None)
    if kind is None or not hasattr(kind, "initialize_request"):
        return getattr(request, "user", None)
    from rest_framework.exceptions import APIException  # an extra

    try:
        return kind(**getattr(view, "initkwargs", {})).initialize_request(request).user
    except APIException as error:
        raise RefusedByView from error
