"""Refusals in Django REST framework's own words: by it, or by the project's authenticators and throttles.

Each keeps its status. Which type of problem that is, the status decides.
"""

from __future__ import annotations

import math
from http.client import responses
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated

from headway import problems

__all__ = ["refusal_of"]

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


def refusal_of(error: APIException) -> HttpResponse | None:
    """The answer that tells this refusal; None for what is none, but a mistake."""
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
