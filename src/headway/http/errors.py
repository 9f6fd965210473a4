"""Which error is which problem. Whatever an endpoint raises ends here, so no answer is ever HTML or a traceback."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response
from rest_framework.exceptions import APIException
from rest_framework.views import set_rollback

from headway import errors, problem_rules, problems
from headway.database import is_lost, is_transient
from headway.models import Run
from headway.problem_rules import Rule

from .refusals import refused

__all__ = ["UNREADABLE", "WRONG", "problem_of"]

WRONG = "Something went wrong here. It has been recorded."
UNREADABLE = "The request can't be read as it is."
BUSY = "The database can't answer now. Try again."


RULES: dict[type[Exception], Rule] = problem_rules.RULES | {
    Http404: Rule("not-found", "There is nothing here."),
    PermissionDenied: Rule("forbidden", "This is not allowed."),
    RequestDataTooBig: Rule("payload-too-large", problems.TOO_LARGE),
    SuspiciousOperation: Rule("malformed", UNREADABLE),
    BadRequest: Rule("malformed", UNREADABLE),
    MultiPartParserError: Rule("malformed", UNREADABLE),
    UnreadablePostError: Rule("malformed", "The request ended before it was read."),
}


def problem_of(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """The answer that tells this error; Django REST framework calls it, with the view and the request in `context`."""
    set_rollback()
    told = as_unavailable(error) or error
    response = refused(told) if isinstance(told, APIException) else by_rule(told)
    if response is None:
        return server_error(error, context)
    if response.status_code == 401:
        response["WWW-Authenticate"] = context["view"].challenge()
    return response


def by_rule(error: Exception) -> HttpResponse | None:
    """The answer that RULES have for this error, or for the nearest kind above it."""
    rule = problem_rules.rule_of(error, RULES)
    return None if rule is None else problem_rules.answer(error, rule)


def as_unavailable(error: Exception) -> Exception | None:
    """The same error, if it is the database's and means that it can't answer now."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    if is_lost(error) or is_transient(error):
        return Unavailable(BUSY)
    if not connection.in_atomic_block and Run._meta.db_table not in connection.introspection.table_names():
        return errors.NotMigrated()
    return None


class Unavailable(Exception):
    """The database is away or busy; the same may work later."""


RULES[Unavailable] = Rule("overloaded")


def server_error(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """A mistake of ours: told to whoever watches the project's errors, as Django itself would, and to no client."""
    request = context["request"]._request
    response = problems.response("server-error", WRONG)
    got_request_exception.send(sender=None, request=request)
    log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request, exception=error)
    return response
