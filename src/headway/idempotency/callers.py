"""Whose key it is: two callers with one key are two requests."""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import Resolver404, ResolverMatch, resolve

from headway.errors import NoCaller

Scope = Callable[[HttpRequest], str | None]
PLACES = ("user", "auth")  # where REST framework writes into the request
LONGEST = 255  # characters of StoredAnswer.principal


class RefusedByView(Exception):
    """The view doesn't take these credentials, and answers so itself."""


def principal_of(request: HttpRequest, view: Any, scope: Scope | None) -> str:
    """The user's primary key, or what the project's `scope` says. Raises NoCaller where there is neither,
    and RefusedByView.
    """
    if scope is not None and (said := scope(request)):
        return storable(f"scope {said}")
    user = user_of(request, view)
    if user is None or not user.is_authenticated:
        raise NoCaller
    return storable(f"user {user.pk}")


def storable(principal: str) -> str:
    """The same, or a hash of what is too long, or no text that a database takes: it may come from a header."""
    if len(principal) <= LONGEST and principal.isprintable():
        return principal
    return f"hash {hashlib.sha256(principal.encode(errors='surrogatepass')).hexdigest()}"


def check_scope(scope: Any, place: str) -> None:
    """Raises TypeError unless it is a function that takes the request; each coroutine would be another caller."""
    if callable(scope) and not inspect.iscoroutinefunction(scope):
        try:
            inspect.signature(scope).bind(None)
            return
        except TypeError:
            pass
        except ValueError:  # of a builtin nothing is known
            return
    raise TypeError(
        f"{place}: scope is {scope!r}; it must be a function, `def`, that takes the request alone and gives text."
    )


def user_of(request: HttpRequest, view: Any) -> Any:
    """Who asks. A view of Django REST framework has its own ways to know, such as a token."""
    it = view_that_knows(view)
    if it is None:
        return getattr(request, "user", None)
    from rest_framework.exceptions import APIException  # an extra

    try:
        with left_alone(request):
            return asked_by(it, view, request).user
    except (APIException, PermissionDenied, Http404) as error:
        raise RefusedByView from error


def view_that_knows(view: Any) -> Any:
    """One of REST framework's, new: of `as_view`, or the one whose `dispatch` is decorated. None: it isn't theirs."""
    kind = getattr(view, "cls", None)
    dispatching = getattr(getattr(view, "func", None), "__self__", None)  # as method_decorator binds it
    it = kind(**getattr(view, "initkwargs", {})) if kind else copy(dispatching)
    return it if hasattr(it, "initialize_request") else None


def asked_by(it: Any, view: Any, request: HttpRequest) -> Any:
    """The request as that view will see it; a set of views must know which methods are which actions."""
    match = match_of(request)
    it.request, it.args, it.kwargs = request, *((match.args, match.kwargs) if match else ((), {}))
    it.action_map = getattr(view, "actions", getattr(it, "action_map", None))
    return it.initialize_request(request)


def match_of(request: HttpRequest) -> ResolverMatch | None:
    """What the project has at this address; None where it has nothing."""
    try:
        return request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return None


@contextmanager
def left_alone(request: HttpRequest) -> Iterator[None]:
    """Afterwards the request has the user that it had. REST framework puts its own in that place, also the anonymous
    one whom it refuses; the view's own authentication would find that one, and no session any more.
    """
    before = {name: request.__dict__[name] for name in PLACES if name in request.__dict__}
    try:
        yield
    finally:
        for name in PLACES:
            request.__dict__.pop(name, None)
        request.__dict__.update(before)
