"""What `headway.runs` refuses in views of a project, plain ones and Django REST framework's, without a try in each."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from . import problems

__all__ = ["RefusalMiddleware"]


class RefusalMiddleware(MiddlewareMixin):
    """Answers Headway's errors that a view lets pass, instead of a 500: anywhere in MIDDLEWARE.

    A browser gets a page (`headway/refusal.html`; for 403 and 404 the project's own), any other client a problem, as
    the API has it.
    """

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer; None for an error that isn't Headway's. Raises Http404, PermissionDenied."""
        rule = problems.rule_of(error)
        if rule is None:
            return None
        if "text/html" not in request.headers.get("Accept", ""):
            return problems.response_of(error, rule)
        return page(request, error, rule)


def page(request: HttpRequest, error: Exception, rule: problems.Rule) -> HttpResponse:
    if rule.slug == "not-found":
        raise Http404(rule.detail or str(error)) from error
    if rule.slug == "forbidden":
        raise PermissionDenied(str(error)) from error
    problem = problems.PROBLEMS[rule.slug]
    told = {"problem": problem, "detail": str(error), "run": getattr(error, "existing", getattr(error, "newest", None))}
    return render(request, "headway/refusal.html", told, status=problem.status)
