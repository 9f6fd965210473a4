"""Which error is which problem. Whatever an endpoint raises ends here, so no answer is ever HTML or a traceback."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response
from rest_framework.exceptions import APIException
from rest_framework.views import set_rollback

from headway import errors, problem_rules, problems
from headway.database import is_lost, is_transient
from headway.problem_rules import Rule
from headway.runs.starting import lacks_tables

from .refusals import refusal_of

__all__ = ["NOT_ALLOWED", "UNREADABLE", "WRONG", "problem_of"]

WRONG = "Something went wrong here. It has been recorded."
NOT_ALLOWED = "This is not allowed."
UNREADABLE = "The request can't be read as it is."
BUSY = "The database can't answer now. Try again."


RULES: dict[type[Exception], Rule] = problem_rules.RULES | {
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
    if isinstance(error, DatabaseError | InterfaceError):
        response = unavailable(error)
    else:
        response = refusal_of(error) if isinstance(error, APIException) else by_rule(error)
    if response is None:
        return server_error(error, context)
    if response.status_code == 401:
        response["WWW-Authenticate"] = context["view"].challenge()
    return response


def by_rule(error: Exception) -> HttpResponse | None:
    """The answer that RULES have for this error, or for the nearest kind above it."""
    rule = problem_rules.rule_of(error, RULES)
    return None if rule is None else problem_rules.response_of(error, rule)


def unavailable(error: Exception) -> HttpResponse | None:
    """The answer that the database can't answer now; None for any other error of the database's."""
    if is_lost(error) or is_transient(error):
        return problems.response("overloaded", BUSY)
    return by_rule(errors.NotMigrated()) if lacks_tables() else None


def server_error(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Our mistake: the project's handlers of errors get it, as by Django itself, and the client no word of it."""
    request = context["request"]._request
    response = problems.response("server-error", WRONG)
    got_request_exception.send(sender=None, request=request)
    log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request, exception=error)
    return response
