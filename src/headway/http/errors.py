"""Which error is which problem. All that an endpoint raises ends here, so no answer is ever HTML or a traceback."""

import math
from http.client import responses
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import Error
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated
from rest_framework.views import set_rollback

from headway import problems
from headway.problems import Rule

WRONG = "Something went wrong here. It has been recorded."
NOT_ALLOWED = "This is not allowed."
UNREADABLE = "The request can't be read as it is."

SLUGS = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    429: "rate-limited",
    503: "overloaded",
}
MISTAKE = 500  # what an APIException has that says nothing else

RULES: dict[type[Exception], Rule] = problems.RULES | {
    Http404: Rule("not-found", "There is nothing here."),
    PermissionDenied: Rule("forbidden", NOT_ALLOWED),
    RequestDataTooBig: Rule("payload-too-large", problems.TOO_LARGE),
    SuspiciousOperation: Rule("malformed", UNREADABLE),
    BadRequest: Rule("malformed", UNREADABLE),
    MultiPartParserError: Rule("malformed", UNREADABLE),
    UnreadablePostError: Rule("malformed", "The request ended before it was read."),
}


def problem_of(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """The answer that tells this error; Django REST framework calls it, with the view and the request in `context`."""
    set_rollback()
    response = answer_of(error)
    if response is None:
        return server_error(error, context)
    if response.status_code == 401:
        response["WWW-Authenticate"] = context["view"].challenge()
    return response


def answer_of(error: Exception) -> HttpResponse | None:
    """The answer that tells this error; None for a mistake."""
    if isinstance(error, APIException):
        return refusal_of(error)
    rule = problems.rule_of_database(error) if isinstance(error, Error) else problems.rule_of(error, RULES)
    return None if rule is None else problems.response_of(error, rule)


def refusal_of(error: APIException) -> HttpResponse | None:
    """The answer for a refusal of Django REST framework, of an authenticator or of a throttle; None for a mistake."""
    status, detail = status_of(error), sentence(error.detail)
    if status == MISTAKE or not 400 <= status < 600:
        return None
    if status in SLUGS:
        return problems.response(SLUGS[status], detail or str(status), retry_after=seconds(error))
    title = responses.get(status, "Unknown Status Code")
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}  # RFC 9457, 4.2.1
    return problems.as_response(body, seconds(error))


def status_of(error: APIException) -> int:
    """Its class's where it is about signing in: the framework turns a 401 into 403 if no header says how to."""
    about_signing_in = isinstance(error, NotAuthenticated | AuthenticationFailed)
    return type(error).status_code if about_signing_in else error.status_code


def sentence(detail: Any) -> str:
    """All that the error says, which may be a list, or a dictionary by field."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {sentence(each)}" for name, each in detail.items())
    if isinstance(detail, list | tuple):
        return " ".join(sentence(each) for each in detail)
    return str(detail)


def seconds(error: APIException) -> int | None:
    """After which it may be tried again, as far as the error knows: as the framework does, from its `wait`."""
    wait: float | None = getattr(error, "wait", None)
    return math.ceil(wait) if wait else None


def server_error(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Our mistake: the project's handlers of errors get it, as by Django itself, and the client no word of it."""
    request = context["request"]._request
    response = problems.response("server-error", WRONG)
    got_request_exception.send(sender=None, request=request)
    log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request, exception=error)
    return response
