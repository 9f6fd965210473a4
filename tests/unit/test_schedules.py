"""Which moments a schedule means, in any zone and on any day of the year."""

import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms

from headway.checks import check_parser, check_schedules
from headway.operations import base, schedules
from headway.operations.schedules import Schedule, schedule_of
from tests.unit.test_declarations import declare, refusal

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = 60_000


@pytest.fixture(autouse=True)
def _forget_what_is_declared_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "by_name", dict(base.by_name))


def ms(text: str) -> int:
    """A moment in ISO 8601; in Berlin, unless it names its zone."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).timestamp() * 1000)


def ticks(text: str, day: str) -> list[str]:
    """All ticks of this day in Berlin, with what the clocks there are ahead of UTC."""
    schedule, found = Schedule(text, "Europe/Berlin"), []
    tick = schedule.next(ms(f"{day}T00:00:00") - 1)
    while tick is not None and (moment := datetime.fromtimestamp(tick / 1000, BERLIN)).date().isoformat() == day:
        found.append(f"{moment:%H:%M%z}")
        tick = schedule.next(tick)
    return found


FORWARD, BACK, USUAL = "2026-03-29", "2026-10-25", "2026-11-30"  # at two it is three; at three it is two again


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("30 2 * * *", USUAL, ["02:30+0100"]),
        ("30 2 * * *", FORWARD, ["03:00+0200"]),
        ("30 2 * * *", BACK, ["02:30+0200"]),
        ("0,30 2 * * *", FORWARD, ["03:00+0200"]),
        ("30 2,3 * * *", FORWARD, ["03:00+0200", "03:30+0200"]),
        ("0 3 * * *", FORWARD, ["03:00+0200"]),
        ("0 3 * * *", BACK, ["03:00+0100"]),
    ],
)
def test_a_time_that_does_not_exist_comes_right_behind_the_gap_and_one_that_exists_twice_comes_once(
    text: str, day: str, expected: list[str]
) -> None:
    assert ticks(text, day) == expected


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("*/30 2 * * *", FORWARD, []),
        ("*/30 2 * * *", BACK, ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]),
        ("0 30 2 * * *", FORWARD, []),
        ("0 30 2 * * *", BACK, ["02:30+0200", "02:30+0100"]),
    ],
)
def test_what_goes_by_the_hours_that_pass_has_none_in_the_gap_and_both_of_what_comes_twice(
    text: str, day: str, expected: list[str]
) -> None:
    assert ticks(text, day) == expected


def test_an_hourly_schedule_has_as_many_ticks_as_the_day_has_hours() -> None:
    assert [len(ticks("15 * * * *", day)) for day in (USUAL, FORWARD, BACK)] == [24, 23, 25]


def test_in_the_hour_that_comes_a_second_time_the_next_tick_is_not_one_of_the_first() -> None:
    second_half_past_two = "2026-10-25T02:10:00+01:00"
    found = Schedule("30 2 * * *", "Europe/Berlin").next(ms(second_half_past_two))
    assert found == ms("2026-10-26T02:30:00")


def test_what_is_due_is_split_into_what_is_on_time_and_the_last_that_is_late() -> None:
    schedule = Schedule("0 3 * * *", "Europe/Berlin")
    friday, monday = ms("2026-11-27T10:00:00"), ms("2026-11-30T03:00:00")

    assert schedule.due(friday, monday - 1) == (ms("2026-11-29T03:00:00"), [])
    assert schedule.due(friday, monday) == (ms("2026-11-29T03:00:00"), [monday])
    assert schedule.due(friday, monday + MINUTE - 1) == (ms("2026-11-29T03:00:00"), [monday])
    assert schedule.due(friday, monday + MINUTE) == (monday, [])
    assert schedule.due(monday - 1, monday + 10) == (None, [monday])
    assert schedule.due(monday, monday + MINUTE) == (None, [])
    assert schedule.due(monday + MINUTE, monday) == (None, [])  # the clock was set back


@pytest.mark.parametrize(
    ("text", "zone", "after", "now", "late"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T02:30+02:00", "2026-10-25T02:10+01:00", "2026-10-25T02:30+02:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02:50+01:00", None),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:30+01:00", "2026-03-29T03:10+02:00", "2026-03-29T03:00+02:00"),
        ("0 */2 * * *", "Australia/Lord_Howe", "2026-04-04T22:00+11", "2026-04-05T02:20+10:30", "2026-04-05T00:00+11"),
    ],
)
def test_the_last_that_is_late_is_one_of_those_that_come_one_after_the_other(
    text: str, zone: str, after: str, now: str, late: str | None
) -> None:
    schedule = Schedule(text, zone)
    assert schedule.due(ms(after), ms(now)) == (late and ms(late), [])
    assert late is None or schedule.next(ms(after)) == ms(late)


def test_a_year_of_minutes_that_were_missed_is_not_counted_through() -> None:
    schedule = Schedule("* * * * * *", "UTC")
    now = ms("2026-11-30T03:00:00+00:00")
    late, on_time = schedule.due(now - 365 * 24 * 60 * MINUTE, now)
    assert (late, len(on_time)) == (now - MINUTE, 60)


def test_the_zone_is_the_projects_unless_it_says_otherwise(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert str(schedule_of(declare(schedule="0  3 * * *"))) == "0 3 * * * Asia/Tokyo"
    assert str(schedule_of(declare(schedule="0 3 * * *", schedule_zone="UTC"))) == "0 3 * * * UTC"
    assert schedule_of(declare()) is None


FIELDS = "Five fields are minute, hour, day, month and weekday, such as '0 3 * * *'; a sixth before them is seconds."


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"schedule": "every day"}, f"schedule is 'every day': Wrong number of fields. {FIELDS}"),
        ({"schedule": "61 * * * *"}, f"schedule is '61 * * * *': Bad minute. {FIELDS}"),
        ({"schedule": "* * */20 * 1L"}, f"schedule is '* * */20 * 1L', which never comes. {FIELDS}"),
        ({"schedule": 3}, "schedule is 3; it must be text as cron has it, such as '0 3 * * *'."),
        (
            {"schedule": "0 3 * * *", "schedule_zone": "Mars"},
            "schedule_zone is 'Mars'; it must be a time zone by its name, such as 'Europe/Berlin', or None.",
        ),
        (
            {"schedule": "0 3 * * *", "schedule_zone": "localtime"},
            "schedule_zone is 'localtime'; it must be a time zone by its name, such as 'Europe/Berlin', or None.",
        ),
        ({"schedule": "0 3 * * *", "missed": "twice"}, "missed is 'twice'; it must be one of once, never."),
        (
            {"schedule": "0 3 * * *", "schedule_params": [3]},
            "schedule_params is [3]; it must be a dictionary of parameters, such as {'year': 2026}.",
        ),
        (
            {"missed": "never"},
            "missed has no meaning without a schedule. Declare schedule = '0 3 * * *', or leave it out.",
        ),
    ],
)
def test_a_wrong_schedule_fails_when_the_class_is_made(attributes: dict[str, Any], said: str) -> None:
    assert refusal(**attributes) == said


def test_without_its_parser_a_schedule_is_an_error_of_the_check_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    schedules.fault_of_text.cache_clear()
    declare(schedule="0 3 * * *")
    schedules.fault_of_text.cache_clear()

    (error,) = check_parser()

    assert (error.id, error.hint) == ("headway.E032", "Run: pip install 'django-headway[schedules]'")
    assert error.msg == ("schedule needs the package cronsim, which isn't installed. It is declared by tests.declared.")


def test_a_subclass_does_not_inherit_when_it_starts() -> None:
    scheduled = declare(schedule="0 3 * * *", missed="never")
    variant = declare(scheduled, name="tests.variant")
    assert variant.schedule is None


class YearForm(forms.Form):
    """A form that needs a value."""

    year = forms.IntegerField()


def test_parameters_that_its_form_refuses_are_told_when_the_project_starts() -> None:
    def errors(**attributes: Any) -> list[str]:
        declare(params=YearForm, schedule="0 3 * * *", **attributes)
        return [f"{error.id} {error.msg}" for error in check_schedules()]

    told = "headway.E026 tests.declared can't start by its schedule:"
    assert errors() == [f"{told} year: This field is required."]
    assert errors(schedule_params={"year": "soon"})[0].startswith(told)
    assert errors(schedule_params={"year": 2026}) == []


def test_a_form_that_raises_is_told_and_stops_no_command() -> None:
    class BrokenForm(forms.Form):
        def clean(self) -> None:
            raise KeyError("year")

    declare(params=BrokenForm, schedule="0 3 * * *")
    (error,) = check_schedules()
    assert error.msg == "tests.declared can't start by its schedule: its form raises KeyError('year')"
