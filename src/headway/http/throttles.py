"""How often one caller may start runs, where the project says so."""

from typing import Any

from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

__all__ = ["StartThrottle"]


class StartThrottle(UserRateThrottle):
    """By DEFAULT_THROTTLE_RATES["headway-start"], such as "30/min", for each user; none unless it is set."""

    scope = "headway-start"

    def get_rate(self) -> Any:
        return (api_settings.DEFAULT_THROTTLE_RATES or {}).get(self.scope)
