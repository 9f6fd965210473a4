"""One line of key=value for everything that is logged, by Headway, Django, uvicorn and Celery alike.

Headway's own messages are pairs already ("run=… event=fenced"); any other text becomes the value of `message`. A value
with blanks or quotes is quoted as JSON does it, so a line stays a line. A ticket never gets into a log.
"""

import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured

__all__ = ["KeyValues", "logging_config"]

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
PAIRS = re.compile(r"[a-z_]+=\S+(?: [a-z_]+=\S+)*")
PLACE = re.compile(r"%[-#0-9.]*[a-z]")
PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")
TICKET = re.compile(r"(ticket=)[^&\s\"'\\]+")


def logging_config(level: str, *loggers: str) -> dict[str, Any]:
    """Django's LOGGING, all to the standard error: Headway, Celery and these loggers from `level` on, the rest from
    warnings on.
    """
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL is {level!r}; it must be one of {', '.join(LEVELS)}.")
    others = max(level, "WARNING", key=LEVELS.index)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"pairs": {"()": "headway.contrib.logs.KeyValues"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "pairs"}},
        "root": {"handlers": ["console"], "level": others},
        "loggers": {name: {"level": level} for name in ("headway", "celery", *loggers)}
        | {
            "django": {"handlers": [], "level": others},
            # At "info" uvicorn tells the address of each WebSocket. Its own handlers go, or each line came twice.
            "uvicorn": {"handlers": [], "level": others, "propagate": True},
        },
    }


class KeyValues(logging.Formatter):
    """time, level, logger and process; then the message's own pairs; then the error, if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = [
            ("time", moment(record.created)),
            ("level", record.levelname),
            ("logger", record.name),
            ("process", str(record.process)),
            *pairs(record),
        ]
        if record.exc_info and record.exc_info[0]:
            told.append(("traceback", self.formatException(record.exc_info)))
        if record.stack_info:
            told.append(("stack", self.formatStack(record.stack_info)))
        return TICKET.sub(r"\1…", " ".join(f"{key}={quoted(value)}" for key, value in told))


def pairs(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    """The message's pairs, each with its own arguments; or all of it as one."""
    form, arguments = str(record.msg), record.args
    if not PAIRS.fullmatch(form) or not isinstance(arguments, tuple | None):
        yield "message", record.getMessage()
        return
    left = list(arguments or ())
    for pair in form.split(" "):
        key, _, value = pair.partition("=")
        count = len(PLACE.findall(value)) if arguments else 0
        yield key, value % tuple(left[:count]) if count else value
        del left[:count]


def moment(seconds: float) -> str:
    """RFC 3339, in UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


def quoted(value: str) -> str:
    """As it is, or in quotes where it would be more than one word."""
    return value if PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
