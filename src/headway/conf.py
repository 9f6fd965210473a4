"""Headway's settings: the project's dictionary HEADWAY, and the defaults. Read late, so tests can override them."""

import math
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["Conf", "conf"]

EXAMPLE = {"LEASE_SECONDS": 10}


@dataclass(frozen=True)
class Conf:
    """One field for each key of HEADWAY, in lower case."""

    lease_seconds: float = 10.0
    """How long a worker may be silent before another takes its part over."""

    slice_seconds: float = 30.0
    """How long a worker stays with one part while nobody waits."""

    busy_slice_seconds: float = 2.0
    """The same while others wait: a run of two seconds behind twenty big ones is done in four."""


def conf() -> Conf:
    """The settings in force. Raises ImproperlyConfigured for an unknown key or a value that can't be meant."""
    declared: Any = getattr(settings, "HEADWAY", {})
    if not isinstance(declared, dict):
        raise ImproperlyConfigured(f"HEADWAY is {declared!r}; it must be a dictionary, such as {EXAMPLE}.")
    known = {field.name.upper(): field.name for field in fields(Conf)}
    unknown = sorted(set(declared) - set(known))
    if unknown:
        raise ImproperlyConfigured(f"HEADWAY has no setting {unknown[0]!r}. There are: {', '.join(sorted(known))}.")
    for key, value in declared.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ImproperlyConfigured(f"HEADWAY[{key!r}] is {value!r}; it must be a number of seconds above 0.")
    return Conf(**{known[key]: float(value) for key, value in declared.items()})
