"""What all pages have in common: a visitor who has signed in, no transaction around the request; and the page in their
place where the visitor may not do it, the database is away, or Headway's tables aren't as this version needs them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.log import log_response
from django.views import View

from headway import problems
from headway.errors import Forbidden, NotMigrated, StartForbidden
from headway.operations import registry
from headway.runs.access import is_staff

PAGES = {"overloaded": "headway/away.html", "not-migrated": "headway/unmigrated.html"}


class SignedInView(LoginRequiredMixin, View):
    """The base of every page."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """The view, without a transaction under ATOMIC_REQUESTS as well: reading must not wait for SQLite's write lock,
        and what writes is a transaction of its own, over before the answer."""
        view = super().as_view(**initkwargs)

        @wraps(view)
        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except Forbidden as error:
                return forbidden(request, error)
            except (Error, NotMigrated) as error:
                if rule := problems.rule_of_database(error):
                    return in_its_place(request, rule, error)
                raise

        return transaction.non_atomic_requests(told)


def forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:
    """The page that says why this user may not do it, and whom to ask."""
    declared = registry.find(error.operation) if isinstance(error, StartForbidden) else None
    context = {"operation": declared and declared.title, "permission": error.permission}
    answer = render(request, "headway/forbidden.html", context, status=403)
    log_response("%s: %s", answer.reason_phrase, request.path, response=answer, request=request, exception=error)
    return answer


def in_its_place(request: HttpRequest, rule: problems.Rule, error: Exception) -> HttpResponse:
    """The page for this problem, with its status and headers: what to run is told to staff and under DEBUG; the log
    gets the error itself."""
    problem = problems.response_of(error, rule)
    context = {"says_how": lambda: settings.DEBUG or is_of_staff(request)}  # asks the database: where a page wants it
    answer = render(None, PAGES[rule.slug], context, status=problem.status_code)
    for name in ("Retry-After", "Cache-Control"):
        answer[name] = problem[name]
    log_response("%s: %s", answer.reason_phrase, request.path, response=answer, request=request, exception=error)
    return answer


def is_of_staff(request: HttpRequest) -> bool:
    """False where the users' table is missing, too."""
    try:
        return is_staff(request.user)
    except Error:
        return False
