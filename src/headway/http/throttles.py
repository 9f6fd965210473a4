"""How often one caller may start runs, where the project says so."""

import math
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle


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
