"""What is logged is one line of key=value, or of JSON, from wherever it is logged."""

import json
import logging
import re
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

import headway
from headway import Operation
from headway.contrib.logs import PAIRS, JsonLines, KeyValues, logging_config
from headway.tracing import at_work_on
from servers.server import ROOT
from tests.app.driving import drive, start

shop = logging.getLogger("tests.shop")


class SellThings(Operation):
    """Logs on threads of its own, and in `process`."""

    name = "tests.sell_things"
    threads = 2

    def items(self) -> list[int]:
        return [1, 2]

    def prepare(self, number: int) -> int:
        shop.warning("prepares %d", number)
        return number

    def process(self, number: int, prepared: int) -> None:
        shop.warning("number=%d event=sold", number)


@pytest.fixture
def logged() -> Any:
    """What that shop has logged, as JSON."""
    handler = logging.StreamHandler(TextIOWrapper(BytesIO(), "utf-8"))
    handler.setFormatter(JsonLines())
    shop.addHandler(handler)
    yield lambda: [json.loads(line) for line in handler.stream.buffer.getvalue().decode().splitlines()]
    shop.removeHandler(handler)


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
        (("event=waits reason=%r", "It's full."), 'event=waits reason="It\'s full."'),
        (("event=waits seconds=%s", 4.5), "event=waits seconds=4.5"),
        (("event=empty worker=%s", ""), 'event=empty worker=""'),
        (("Live delivery can't read", ), 'message="Live delivery can\'t read"'),
        (('says "%s"', "a=b"), 'message="says \\"a=b\\""'),
        (("level=%s of=%s", 3, 5), 'message="level=3 of=5"'),
        (("a=1 a=2", ), 'message="a=1 a=2"'),
        (("two\nlines", ), 'message="two\\nlines"'),
        (("at 100% of all", ), 'message="at 100% of all"'),
        (("GET /runs/1/events/?ticket=abc:def&after=3", ), 'message="GET /runs/1/events/?ticket=…&after=3"'),
        (("event=asked path=%s", "/ws/?a=1&ticket=se.cr-et"), 'event=asked path="/ws/?a=1&ticket=…"'),
        (("event=open ticket=%s", "abc123"), "event=open ticket=…"),
        (("%r", {"ticket": "abc123"}), "message=\"{'ticket': '…'}\""),
        (("said %s", '"ticket=\'abc\'"'), 'message="said \\"ticket=\'…\'\\""'),
        (("half=%s", "\udcff"), 'half="\\udcff"'),
        (("no\u2028lines\x85\x9b",), r'message="no\u2028lines\u0085\u009b"'),
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


def test_a_line_of_another_run_has_no_part_of_the_one_in_hand(logged: Any) -> None:
    with at_work_on(UUID(int=1), 3):
        shop.warning("run=%s event=start", UUID(int=1))
        shop.warning("run=%s event=start", UUID(int=2))
    assert [(line["run"][-1], line.get("part")) for line in logged()] == [("1", 3), ("2", None)]


def test_json_tells_what_is_given_as_extra_but_not_over_the_lines_own_names(logged: Any) -> None:
    extra = {"order": 5, "paid": True, "basket": {"id": [7]}, "level": "mine", "odd": {(1, 2): float("nan")}}
    extra["request"] = RequestFactory().get("/?code=secret")  # as Django logs one
    shop.warning("hello", extra=extra)

    [told] = logged()
    assert told.pop("time")
    assert told.pop("process")
    assert told == {
        "level": "WARNING",
        "logger": "tests.shop",
        "message": "hello",
        "order": 5,
        "paid": True,
        "basket": {"id": [7]},
        "odd": "{(1, 2): nan}",
    }


def test_json_hides_a_ticket_of_whatever_kind_and_can_be_written_in_utf_8(logged: Any) -> None:
    shop.warning("event=open ticket=%s", "abc123", extra={"asked": {"ticket": "abc123"}})
    shop.warning("event=open ticket=%d rest=%s", 7, "ticket=")
    shop.warning("half \udcff\u2028")

    opened, seventh, half = logged()
    assert (opened["ticket"], opened["asked"]) == ("…", {"ticket": "…"})
    assert (seventh["ticket"], seventh["rest"]) == (7, "ticket=")
    assert half["message"] == "half \udcff\u2028"


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_what_an_operation_logs_says_of_which_run_and_part_it_is(logged: Any) -> None:
    run = drive(start("tests.sell_things"))
    shop.warning("outside")

    *inside, outside = logged()
    of_it = (str(run.pk), run.parts.get().pk)
    assert [(line["run"], line["part"]) for line in inside] == [of_it] * 4
    assert {line["message"] for line in inside if "message" in line} == {"prepares 1", "prepares 2"}
    assert [line["number"] for line in inside if line.get("event") == "sold"] == [1, 2]
    assert not {"run", "part"} & outside.keys()


def test_json_keeps_numbers_and_errors_and_hides_tickets() -> None:
    try:
        raise ValueError("no\ngood")
    except ValueError:
        record = logging.LogRecord(
            "headway",
            logging.INFO,
            __file__,
            1,
            "run=%s items=%d seconds=%s rest=%s reason=%r path=%s",
            ("abc", 3, 4.5, float("inf"), "It's 'full'.", "/?ticket=x:y"),
            sys.exc_info(),
        )
    record.created, record.process = 1_795_750_000.042, 7
    line = JsonLines().format(record)

    told = json.loads(line)
    assert "\n" not in line
    assert told.pop("traceback").endswith("ValueError: no\ngood")
    assert told == {
        "time": "2026-11-27T03:26:40.042Z",
        "level": "INFO",
        "logger": "headway",
        "process": 7,
        "run": "abc",
        "items": 3,
        "seconds": 4.5,
        "rest": "inf",
        "reason": "It's 'full'.",
        "path": "/?ticket=…",
    }


def test_what_headway_logs_of_an_event_is_pairs_whose_values_the_arguments_are() -> None:
    files = Path(headway.__file__).parent.rglob("*.py")
    told = [said for file in files for said in re.findall(r'"([^"]*\bevent=[^"]*)"', file.read_text())]
    assert len(told) > 30
    assert [said for said in told if not PAIRS.fullmatch(said) or "'" in said] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("", ["uvicorn.error", "uvicorn.access"]),
        ("access_log=False", ["uvicorn.error"]),
        ('log_level="warning"', []),
        ('log_level="warning", log_config="example/uvicorn-logs.json"', []),
    ],
)
def test_uvicorn_tells_what_its_own_options_say_and_once(options: str, told: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SERVED % options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["logger"] for line in lines if line["level"] == "INFO"] == told
    assert [line["message"] for line in lines if line["level"] == "ERROR"] == ["broken"]


SERVED = """
import logging.config
from uvicorn import Config
from headway.contrib.logs import logging_config

Config("shop.asgi:application", %s)  # sets uvicorn's logs up; then it loads the project
logging.config.dictConfig(logging_config("WARNING", form="json"))
logging.getLogger("uvicorn.error").info("Uvicorn running on %%s", "http://127.0.0.1:8000")
logging.getLogger("uvicorn.error").error("broken")
if (access := logging.getLogger("uvicorn.access")).hasHandlers():  # as uvicorn asks
    access.info('%%s - "%%s %%s HTTP/%%s" %%d', "127.0.0.1:1", "GET", "/", "1.1", 200)
"""


@pytest.mark.parametrize("hijacked", [True, False])
def test_celery_leaves_the_lines_as_they_are_where_it_is_told_to(hijacked: bool) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IN_CELERY % hijacked], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    (line,) = ran.stderr.splitlines()
    assert line.startswith("{") is not hijacked, line


IN_CELERY = """
import logging.config
from celery import Celery
from headway.contrib.logs import logging_config

logging.config.dictConfig(logging_config("INFO", form="json"))
app = Celery("shop")
app.conf.worker_hijack_root_logger = %s
app.log.setup("INFO")  # as a worker does when it begins
logging.getLogger("headway").info("run=%%s event=ended", 1)
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"level": "LOUD"}, "logging_config: level is 'LOUD'; it must be one of DEBUG, INFO"),
        ({"level": "INFO", "form": "xml"}, "logging_config: form is 'xml'; it must be one of pairs, json."),
    ],
)
def test_what_it_does_not_know_is_refused_by_its_own_words(given: Any, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        logging_config(**given)
