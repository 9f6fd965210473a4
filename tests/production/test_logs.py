"""What is logged is one line of key=value, whoever logs it."""

import logging
import sys
from typing import Any

import pytest

from headway.contrib.logs import KeyValues


def line(message: str, *arguments: Any, error: BaseException | None = None) -> str:
    """What the formatter makes of it, after time, level, logger and process."""
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("headway.runner.work", logging.INFO, __file__, 1, message, arguments, info)
    record.created, record.process = 1_795_750_000.042, 7
    beginning = "time=2026-11-27T03:26:40.042Z level=INFO logger=headway.runner.work process=7 "
    formatted = KeyValues().format(record)
    assert formatted.startswith(beginning)
    return formatted.removeprefix(beginning)


@pytest.mark.parametrize(
    ("told", "formatted"),
    [
        (("part=%s run=%s event=fenced", 3, "abc"), "part=3 run=abc event=fenced"),
        (("event=lost error=%r", OSError("no way")), 'event=lost error="OSError(\'no way\')"'),
        (("event=odd of=%d/%d", 1, 2), "event=odd of=1/2"),
        (("event=empty worker=%s", ""), 'event=empty worker=""'),
        (("Live delivery can't read", ), 'message="Live delivery can\'t read"'),
        (('says "%s"', "a=b"), 'message="says \\"a=b\\""'),
        (("two\nlines", ), 'message="two\\nlines"'),
        (("at 100% of all", ), 'message="at 100% of all"'),
        (("GET /runs/1/events/?ticket=abc:def&after=3", ), 'message="GET /runs/1/events/?ticket=…&after=3"'),
        (("event=asked path=%s", "/ws/?a=1&ticket=se.cr-et"), 'event=asked path="/ws/?a=1&ticket=…"'),
    ],
)  # fmt: skip
def test_a_message_becomes_pairs(told: tuple[Any, ...], formatted: str) -> None:
    assert line(*told) == formatted


def test_an_error_stays_in_its_line() -> None:
    try:
        raise ValueError("no\ngood")
    except ValueError:
        formatted = line("run=%s event=count-failed", "abc", error=sys.exc_info()[1])

    assert formatted.startswith('run=abc event=count-failed traceback="Traceback (most recent call last):\\n')
    assert "\n" not in formatted
