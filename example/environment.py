"""What the environment says, as values: the example is set up by variables alone, in the twelve-factor manner.

Knows nothing of what they mean. An invalid value raises ImproperlyConfigured, with the name and an example.
"""

import os
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

__all__ = ["choice", "flag", "number", "text", "words"]

FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def text(name: str, default: str = "") -> str:
    """As it is, without blanks around it; one that is set to nothing counts as not set."""
    return os.environ.get(name, "").strip() or default


def choice(name: str, default: str, choices: Iterable[str]) -> str:
    """One of these, in whatever case; as they write it."""
    given, among = text(name, default), {one.lower(): one for one in choices}
    if given.lower() not in among:
        raise ImproperlyConfigured(f"{name} is {given!r}; it must be one of {', '.join(among.values())}.")
    return among[given.lower()]


def flag(name: str, *, default: bool) -> bool:
    """1 or 0."""
    given = text(name)
    if not given:
        return default
    if given.lower() not in FLAGS:
        raise ImproperlyConfigured(f"{name} is {given!r}; it must be 1 or 0.")
    return FLAGS[given.lower()]


def number(name: str, default: float) -> float:
    """A number of 0 or more."""
    given = text(name)
    try:
        value = float(given or default)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name} is {given!r}; it must be a number of 0 or more, such as {name}={default}.")
    return value


def words(name: str, *default: str) -> list[str]:
    """What commas separate."""
    return [word for each in text(name).split(",") if (word := each.strip())] or list(default)
