"""Django's own error pages, as problems under the API's address; a project names them in its root URLs.

For what no endpoint sees: an address that isn't there, a host that isn't allowed, an error in a middleware.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.views import defaults

from headway import problems

from .errors import UNREADABLE, WRONG

__all__ = ["bad_request", "not_found", "permission_denied", "server_error"]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_ours(request):
        return problems.response("malformed", UNREADABLE)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_ours(request):
        return problems.response("forbidden", "This is not allowed.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_ours(request):
        return problems.response("not-found", f"There is nothing at {request.path}.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return problems.response("server-error", WRONG) if is_ours(request) else defaults.server_error(request)


def is_ours(request: HttpRequest) -> bool:
    """Whether the address lies under the one where `headway.http.urls` are included, and that isn't the site's root."""
    try:
        root = reverse("headway:operations").removesuffix("operations/")
    except NoReverseMatch:
        return False
    return root != "/" and request.path.startswith(root)
