"""Who calls by an Authorization header, by the project's own authenticators: for streams, which `live` opens. And how
often one caller may start runs, where the project says so.
"""

import math
from itertools import takewhile
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

from headway.live.admission.callers import Refused
from headway.live.admission.tickets import holder_of, with_tickets

from .errors import refusal_of


def by_header(request: HttpRequest) -> Any:
    """The user whom the request's headers stand for, the session's cookie aside; None when there is none.

    Raises Refused for what an authenticator says beside: that the header is wrong, that it can't tell now, or that this
    caller may not ask.
    """
    kinds = asked_before_the_session(request)
    asked = Request(request, authenticators=[kind() for kind in kinds])
    try:
        user = asked.user if kinds else None
    except APIException as error:
        answer = refusal_of(error)
        if answer is None:
            raise
        raise Refused(answer) from error
    return user if asked.successful_authenticator else None


def asked_before_the_session(request: HttpRequest) -> list[type[Any]]:
    """The project's authenticators but the session's; where that has a user, those alone that the API asks first."""
    declared: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return list(takewhile(lambda kind: not is_session(kind), declared))
    return [kind for kind in declared if not is_session(kind)]


def for_caller(run: dict[str, Any], request: Request) -> dict[str, Any]:
    """The snapshot with tickets in its links, for a caller that EventSource and WebSocket couldn't sign in."""
    if request.successful_authenticator is None or is_session(type(request.successful_authenticator)):
        return run
    return with_tickets(run, holder_of(request.user))


def is_session(authenticator: type[Any]) -> bool:
    return issubclass(authenticator, SessionAuthentication)


class StartThrottle(UserRateThrottle):
    """By DEFAULT_THROTTLE_RATES["headway-start"], such as "30/min", for each user; none unless it is set."""

    scope = "headway-start"

    def get_rate(self) -> Any:
        return (api_settings.DEFAULT_THROTTLE_RATES or {}).get(self.scope)


def seconds_until_start(request: HttpRequest | Request) -> int | None:
    """Where the request's user has started as often as they may: after how many seconds they may again; else None.

    Counts as a start. For the pages, which are no views of Django REST framework.
    """
    throttle = StartThrottle()
    return None if throttle.allow_request(request, None) else math.ceil(throttle.wait() or 1)  # type: ignore[arg-type]
