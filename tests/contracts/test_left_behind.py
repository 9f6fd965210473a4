"""What an item leaves behind in its process reaches no other item and no other run; what its hooks meet is counted."""

import logging
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from headway.models import Part
from headway.snapshots import snapshot
from tests.app.driving import after_items, claim, counted, drive, start, work
from tests.app.models import LedgerEntry
from tests.app.scripted import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


@pytest.mark.once
def test_a_language_and_a_time_zone_that_an_item_activates_reach_no_other_item(script: Script) -> None:
    seen = []

    def leak(operation: Any, number: int) -> None:
        seen.append((translation.get_language(), timezone.get_current_timezone_name()))
        translation.activate("ja")
        timezone.activate("Asia/Tokyo")
        if number == 2:
            raise ValueError("with savepoints from here on")

    script["after"] = leak
    here = translation.get_language(), timezone.get_current_timezone_name()
    drive(start("tests.scripted"))
    drive(start("tests.scripted"))

    assert set(seen) == {here}
    assert (translation.get_language(), timezone.get_current_timezone_name()) == here


@pytest.mark.postgresql
def test_a_session_setting_that_an_item_makes_reaches_no_other_run(script: Script) -> None:
    def work_mem() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW work_mem")
            return str(cursor.fetchone()[0])

    def leak(operation: Any, number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET work_mem = '1234kB'")

    script["after"] = leak
    drive(start("tests.scripted"))

    assert work_mem() != "1234kB"


def test_a_hook_that_fails_after_commit_is_logged_and_counted(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    def mail(number: int) -> None:
        if number % 2:
            raise ConnectionError("the mail server is down")

    script["after"] = lambda operation, number: transaction.on_commit(lambda: mail(number))
    run = drive(start("tests.scripted"))

    told = snapshot(run.pk)
    assert (told["state"], told["hooks_failed"]) == ("succeeded", 2)
    assert sum("event=hook-failed" in record.getMessage() for record in caplog.records) == 2


def test_what_hooks_met_is_news_to_watchers(script: Script) -> None:
    seen = []
    script["after"] = lambda operation, number: transaction.on_commit(lambda: seen.append(number) or 1 / 0)
    drive(start("tests.scripted"))
    part = Part.objects.get(kind="items")
    assert part.hooks_failed == 5
    assert part.seq >= 3  # planned, checkpoint, and the hooks


@pytest.mark.once
def test_an_unexpected_error_is_logged_once_for_its_kind_and_part_with_its_traceback(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = {1: ValueError, 2: KeyError, 3: ValueError, 4: TypeError}

    def fail(operation: Any, number: int) -> None:
        if number:
            raise kinds[number](f"number {number}")

    script["after"] = fail
    with caplog.at_level(logging.ERROR, "headway"):
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items(3))
        counted()
        drive(run)

    told = [record for record in caplog.records if "event=item-failed" in record.getMessage()]
    assert [record.exc_info and record.exc_info[0] for record in told] == [ValueError, KeyError, TypeError]
    assert all("code=error" in record.getMessage() for record in told)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.once
def test_an_error_for_which_the_operation_declares_a_code_is_expected_and_not_logged(
    script: Script, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "error_codes", {ValueError: "no-number"})
    script["after"] = lambda operation, number: int("none")
    with caplog.at_level(logging.ERROR, "headway"):
        run = drive(start("tests.scripted"))

    assert run.parts.get(kind="items").failures == {"no-number": 5}
    assert set(run.outcomes.values_list("text", flat=True)) == {"It failed as “no-number”."}
    assert not [record for record in caplog.records if "event=item-failed" in record.getMessage()]
