"""One line for everything that is logged, by Headway, Django, uvicorn and Celery alike: key=value, or a JSON object.

Headway's own messages are pairs already ("run=… event=fenced"); any other text becomes the value of `message`. What an
operation's own code logs says its run and part as well, and its trace. A ticket never gets into a log.
"""

import json
import logging
import math
import re
import time
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from headway.tracing import ids

__all__ = ["JsonLines", "KeyValues", "logging_config"]

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
FORMS = {"pairs": "headway.contrib.logs.KeyValues", "json": "headway.contrib.logs.JsonLines"}
UVICORN = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")
PAIRS = re.compile(r"[a-z_]+=\S+(?: [a-z_]+=\S+)*")
OWN = ("time", "level", "logger", "process")
ALONE = ("%d", "%s", "%r")  # where a number stays one, and a text is told without Python's quotes
PLACE = re.compile(r"%[-#0-9.]*[a-z]")
PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # ends a line, steers a terminal, or isn't UTF-8
TICKET = re.compile(r"""(ticket(?:=(?:\\"|')?|\\?["']: ?\\?["']))[^&\s"'\\]+""")  # in an address, in JSON, in a repr
STANDARD = {*vars(logging.makeLogRecord({})), "asctime", "color_message", "message", "taskName"}  # all else is `extra`


def logging_config(level: str, *loggers: str, form: str = "pairs") -> dict[str, Any]:
    """Django's LOGGING, all to the standard error: Headway, Celery and these loggers from `level` on, uvicorn by its
    own options, the rest from warnings on; `form` is "pairs" or "json".
    """
    if level not in LEVELS:
        raise ImproperlyConfigured(f"logging_config: level is {level!r}; it must be one of {', '.join(LEVELS)}.")
    if form not in FORMS:
        raise ImproperlyConfigured(f"logging_config: form is {form!r}; it must be one of {', '.join(FORMS)}.")
    others = max(level, "WARNING", key=LEVELS.index)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: {"()": FORMS[form]}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": others},
        "loggers": {name: {"level": level} for name in ("headway", "celery", *loggers)}
        | {"django": {"handlers": [], "level": others}}
        | of_uvicorn(),
    }


def of_uvicorn() -> dict[str, Any]:
    """Its loggers as --log-level and --no-access-log have set them, just before it loads the project. Its own handlers
    go, or each line came twice.
    """
    now = {name: logging.getLogger(name) for name in UVICORN}
    return {"uvicorn": {"handlers": [], "level": "INFO", "propagate": True}} | {
        name: {"handlers": [], "level": logger.level, "propagate": logger.propagate or bool(logger.handlers)}
        for name, logger in now.items()
    }


class KeyValues(logging.Formatter):
    """time, level, logger and process; then the message's own pairs; then the run and part in hand, the trace, and
    the error, if there is one. A value with blanks or quotes is quoted as JSON does it, so a line stays a line.
    """

    def format(self, record: logging.LogRecord) -> str:
        return safe(" ".join(f"{key}={quoted(str(value))}" for key, value in self.told(record).items()))

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """What is said of it, by name."""
        told = {
            "time": moment(record.created),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            **dict(pairs(record)),
        }
        at_work = ids()
        if told.get("run", at_work.get("run")) != at_work.get("run"):
            at_work.pop("part", None)  # another run's
        told |= {name: value for name, value in at_work.items() if name not in told}
        if record.exc_info and record.exc_info[0]:
            told["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        return told


class JsonLines(KeyValues):
    """The same as a JSON object on a line of its own, and what is logged as `extra`; numbers stay numbers."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(json.dumps(self.told(record), ensure_ascii=False, default=str))

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        told = super().told(record)
        return told | {name: in_json(value) for name, value in extra_of(record).items() if name not in told}


def pairs(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """The message's pairs, each with its own arguments, a number or a text as it is; or all of it as one."""
    form, arguments = str(record.msg), record.args
    if not has_pairs(form) or not isinstance(arguments, tuple | None):
        yield "message", record.getMessage()
        return
    left = list(arguments or ())
    for pair in form.split(" "):
        key, _, value = pair.partition("=")
        count = len(PLACE.findall(value)) if arguments else 0
        if value in ALONE and left and is_told_as_it_is(left[0]):
            yield key, left[0]
        else:
            yield key, value % tuple(left[:count]) if count else value
        del left[:count]


def has_pairs(form: str) -> bool:
    """Whether it is nothing but pairs, none of whose names is another's or the line's own."""
    if not PAIRS.fullmatch(form):
        return False
    names = [*OWN, *(pair.partition("=")[0] for pair in form.split(" "))]
    return len(set(names)) == len(names)


def is_told_as_it_is(value: Any) -> bool:
    return type(value) in (int, str) or (type(value) is float and math.isfinite(value))  # JSON knows no others


def extra_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller has given beside the message. Not Django's request: its address may hold secrets."""
    given = {name: value for name, value in vars(record).items() if name not in STANDARD}
    return {name: value for name, value in given.items() if not hasattr(value, "get_full_path")}


def in_json(value: Any) -> Any:
    """The same, or as text where JSON has no form for it."""
    try:
        json.dumps(value, default=str, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value


def safe(line: str) -> str:
    """Without tickets, and on one line in whatever reads it; escapes stand in quotes, where JSON reads them."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", TICKET.sub(r"\1…", line))


def moment(seconds: float) -> str:
    """RFC 3339, in UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


def quoted(value: str) -> str:
    """As it is, or in quotes where it would be more than one word."""
    return value if PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
