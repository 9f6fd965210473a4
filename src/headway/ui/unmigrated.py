"""The page in place of all others, where Headway's tables aren't as this version needs them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.log import log_response

from headway import problems
from headway.errors import NotMigrated
from headway.runs.access import is_staff

View = Callable[..., HttpResponseBase]


def telling_of_migrations(view: View) -> View:
    """The view, whose errors for want of migrations are a page that says what to run, to staff and under DEBUG."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (DatabaseError, NotMigrated) as error:
            problem = problems.of_want_of_migrations(error)
            if problem is None:
                raise
            return page(request, problem, error)

    return told


def page(request: HttpRequest, problem: HttpResponse, error: Exception) -> HttpResponse:
    """With the problem's status and headers; the log gets the error itself."""
    context = {"says_how": settings.DEBUG or is_of_staff(request)}
    answer = render(None, "headway/unmigrated.html", context, status=problem.status_code)
    for name in ("Retry-After", "Cache-Control"):
        answer[name] = problem[name]
    log_response("%s: %s", answer.reason_phrase, request.path, response=answer, request=request, exception=error)
    return answer


def is_of_staff(request: HttpRequest) -> bool:
    """False where the users' table is missing, too."""
    try:
        return is_staff(request.user)
    except DatabaseError:
        return False
