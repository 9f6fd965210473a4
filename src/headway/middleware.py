"""What `headway.runs` refuses in views of a project, plain ones and Django REST framework's, without a try in each."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from . import problem_rules, problems

__all__ = ["RefusalMiddleware"]


class RefusalMiddleware:
    """Answers Headway's errors that a view lets pass, instead of a 500: anywhere in MIDDLEWARE.

    A browser gets a page (`headway/refusal.html`; for 403 and 404 the project's own), everybody else a problem, as
    the API has it.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer; None for an error that isn't Headway's. Raises Http404, PermissionDenied."""
        rule = problem_rules.rule_of(error)
        if rule is None:
            return None
        if "text/html" not in request.headers.get("Accept", ""):
            return problem_rules.answer(error, rule)
        return page(request, error, rule)


def page(request: HttpRequest, error: Exception, rule: problem_rules.Rule) -> HttpResponse:
    if rule.slug == "not-found":
        raise Http404(rule.detail or str(error)) from error
    if rule.slug == "forbidden":
        raise PermissionDenied(str(error)) from error
    problem = problems.PROBLEMS[rule.slug]
    told = {"problem": problem, "detail": str(error), "run": getattr(error, "existing", getattr(error, "newest", None))}
    return render(request, "headway/refusal.html", told, status=problem.status)
