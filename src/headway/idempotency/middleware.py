"""Idempotency keys for all views under some prefixes: HEADWAY["IDEMPOTENT_PREFIXES"]."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from headway import addresses
from headway.conf import conf

from .callers import Scope, check_scope, match_of
from .views import wrap


class Middleware:
    """As `idempotent` around each view whose path begins with one of the prefixes, the longest that fits.

    Headway's own pages and its API are left alone, wherever they are mounted, and views that have the decorator: they
    heed keys by themselves. It stands behind the middleware that knows the user. A subclass may say to whom the keys of
    other callers belong.
    """

    sync_capable = async_capable = True
    scope: Scope | None = None
    """What `idempotent` calls so: given the request, to whom a key belongs (None: to the user)."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if scope := type(self).scope:
            check_scope(scope, type(self).__name__)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        policy = policy_of(request.path_info)
        match = match_of(request) if policy else None
        if match is None or addresses.is_own(match) or hasattr(match.func, "headway_idempotent"):
            return self.get_response(request)
        how: dict[str, Any] = {"required": policy == "required", "scope": type(self).scope}
        return wrap(self.get_response, match.func, **how)(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """The view has raised. What Django answers then, such as 404, is not what the view has done."""
        if attempt := getattr(request, "headway_attempt", None):
            attempt.raised = True


def policy_of(path: str) -> str | None:
    """ "required" or "optional"; None: keys mean nothing there."""
    prefixes = conf().idempotent_prefixes
    fitting = [prefix for prefix in prefixes if path.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None
