"""`headway.testing`, as a project's tests use it."""

import time
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import TestCase, TransactionTestCase

from example.airports.models import Airport
from headway import Wait, runs
from headway.errors import InvalidParams
from headway.models import Run
from headway.store.parts import leases
from headway.testing import drain, instance, kill_after, run_to_end, stop_after, turn_clock
from tests.app.ledger import WriteLedger
from tests.app.models import LedgerEntry


@pytest.mark.django_db(transaction=True)
def test_drain_does_all_that_is_due() -> None:
    several = [runs.start("tests.write_ledger", {"items": items, "reject": "1"}).run for items in (3, 4)]

    drain()

    assert [run.state for run in Run.objects.order_by("created_at")] == ["partial", "partial"]
    assert [LedgerEntry.objects.filter(run=run.pk).count() for run in several] == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_drain_gives_back_what_is_not_done_when_its_seconds_are_over() -> None:
    run = runs.start("tests.write_ledger", {"items": 100, "work_us": 10_000}).run

    drain(seconds=0.2)

    run.refresh_from_db()
    assert run.state == "running"
    assert 0 < LedgerEntry.objects.count() < 100
    began = time.monotonic()
    drain()
    assert time.monotonic() - began < 60
    assert LedgerEntry.objects.count() == 100


class InsideATransaction(TestCase):
    """Django's ordinary test case, which never commits."""

    def test_drain_does_all_that_is_due(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 3, "fail": "1"}).run

        drain()

        run.refresh_from_db()
        assert run.state == "partial"
        assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["0", "2"]

    def test_the_total_is_counted_in_the_same_transaction_and_at_once(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 3}).run

        with self.assertNoLogs("headway", "WARNING"):
            stop_after(1)

        run.refresh_from_db()
        assert (run.total, run.total_exact) == (3, True)
        drain()

    def test_effects_outside_are_done_where_the_tests_own_rows_are_seen(self) -> None:
        airport = Airport.objects.create(icao="LOWI", name="Innsbruck", latitude=47.26, longitude=11.34, elevation_ft=0)

        runs.start("airports.write_to_airports")
        drain()

        (sent,) = mail.outbox
        assert sent.to == [f"{airport.icao.lower()}@airports.example"]


class Interruptions:
    """What `stop_after` and `kill_after` give, in a test's own transaction and with real ones."""

    windows_begun: int
    """Of effects outside: as many windows may be begun behind the item during which the worker is stopped."""

    def test_a_worker_that_is_stopped_commits_its_item_and_the_next_goes_on_behind_it(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 8}).run

        stop_after(3)

        assert ledger() == [0, 1, 2]
        part = run.parts.get()
        assert (part.token, part.processed, part.resumes) == (None, 3, 0)
        drain()
        assert ledger() == list(range(8))

    def test_what_a_killed_worker_had_not_committed_is_done_again_by_the_next(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 8}).run

        kill_after(3)

        assert ledger() in ([], [0], [0, 1])  # a chunk goes by the clock, and may have ended before
        part = run.parts.get()
        assert part.token is not None
        drain()
        assert ledger() == list(range(8))
        assert run.parts.get().resumes == 1

    def test_an_item_that_fails_as_its_worker_is_killed_is_done_again(self) -> None:
        runs.start("tests.write_ledger", {"items": 4, "fail": "1"})

        kill_after(2)
        drain()

        assert ledger() == [0, 2, 3]

    def test_of_effects_outside_those_under_way_are_in_doubt(self) -> None:
        sink = Path(mkdtemp()) / "sink"
        run = runs.start("tests.call_out", {"items": 4, "sink": str(sink)}).run

        kill_after(1)
        drain()

        run.refresh_from_db()
        assert "in-doubt" in run.outcomes.values_list("code", flat=True)
        assert len(sink.read_text().splitlines()) <= 4

    def test_of_effects_outside_so_many_go_out_and_the_window_is_in_doubt(self) -> None:
        sink = Path(mkdtemp()) / "sink"
        run = runs.start("tests.call_out", {"items": 40, "sink": str(sink)}).run

        kill_after(3)

        sent = dict(line.split() for line in sink.read_text().splitlines())
        assert len(sent) == 3
        assert sent == {key: runs.effect_key(run, key, "line") for key in sent}
        drain()
        doubtful = set(run.outcomes.filter(code="in-doubt").values_list("key", flat=True))
        assert len(doubtful) == 16  # the window; on a busy machine the first of those sent have been committed before
        assert len(sink.read_text().splitlines()) == 40 - len(doubtful - set(sent))

    def test_of_effects_outside_a_worker_that_is_stopped_ends_behind_what_it_has_begun(self) -> None:
        sink = Path(mkdtemp()) / "sink"
        run = runs.start("tests.call_out", {"items": 50, "sink": str(sink)}).run

        stop_after(1)

        assert 1 <= len(sink.read_text().splitlines()) <= 1 + 16 * self.windows_begun
        drain()
        run.refresh_from_db()
        assert (run.state, len(sink.read_text().splitlines())) == ("succeeded", 50)

    def test_the_items_of_a_set_count_each(self) -> None:
        run = runs.start("tests.write_in_sets", {"items": 1_000}).run

        kill_after(50)
        assert len(ledger()) < 50
        drain()
        run.refresh_from_db()

        assert (run.state, len(ledger())) == ("succeeded", 1_000)

    def test_an_end_that_never_came_is_told(self) -> None:
        runs.start("tests.write_ledger", {"items": 2})

        for end in (stop_after, kill_after):
            with pytest.raises(AssertionError, match="was to end behind item 5, and has done"):
                end(5)
        assert "process" in vars(WriteLedger)
        assert not hasattr(WriteLedger.process, "__wrapped__")


class InterruptionsInATransaction(Interruptions, TestCase):
    windows_begun = 1


class InterruptionsThatCommit(Interruptions, TransactionTestCase):
    windows_begun = 2


class RunToEnd(TestCase):
    @pytest.fixture(autouse=True)
    def given(self, script: dict[str, Any]) -> None:
        self.script = script

    def test_it_gives_the_run_as_it_has_ended(self) -> None:
        user = get_user_model().objects.create_user("lena", is_staff=True)

        run = run_to_end("tests.write_ledger", {"items": 3, "reject": "1"}, user=user)

        assert (run.state, run.started_by) == ("partial", user)

    def test_what_the_run_waits_for_is_over(self) -> None:
        asked = []

        def wait_once(operation: Any, number: int) -> None:
            asked.append(number)
            if len(asked) == 1:
                raise Wait(3_600, "The bank is closed.")

        self.script["before"] = wait_once

        assert run_to_end("tests.scripted").state == "succeeded"

    def test_a_paused_run_fails_the_test_with_its_cause(self) -> None:
        self.script["items"] = lambda: 1 / 0

        with pytest.raises(AssertionError, match=r"(?s)is paused\. Its items can't be found.*ZeroDivisionError"):
            run_to_end("tests.scripted")

    def test_a_run_that_does_not_end_in_time_fails_the_test_with_what_it_waits_for(self) -> None:
        def wait(operation: Any, number: int) -> None:
            raise Wait(60, "The shop is shut.")

        self.script["before"] = wait

        with pytest.raises(AssertionError, match=r"is running after 1 s\. The shop is shut\.$"):
            run_to_end("tests.scripted", seconds=1)


class TheClock(TestCase):
    def test_turned_it_ends_leases_waits_and_the_time_of_keys(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 2}, idempotency_key="the-first-one").run
        assert leases.claim("gone", pick=1)

        turn_clock(timedelta(hours=1))
        drain()
        run.refresh_from_db()
        assert run.state == "succeeded"
        turn_clock(timedelta(days=2))
        again = runs.start("tests.write_ledger", {"items": 2}, idempotency_key="the-first-one").run

        assert again != run


class AnInstance(TestCase):
    def test_its_process_can_be_called_by_hand(self) -> None:
        operation = instance("tests.write_ledger", {"items": 3, "skip": "1"})
        operation.items()

        operation.process(2)

        assert ledger() == [2]
        assert operation.params["items"] == 3
        assert not Run.objects.exists()

    def test_it_has_effects_where_they_are_outside(self) -> None:
        with instance("tests.call_out", {"sink": "-"}).effect("line") as effect:
            assert len(effect.key) == 36

    def test_it_has_the_fences_of_what_it_holds(self) -> None:
        assert instance("tests.count_stock").fence("stock") == 1
        named = instance("tests.takes_turns", {"names": "stock,account"})
        assert [named.fence(name) for name in ("account", "stock")] == [1, 2]

    def test_parameters_that_the_form_refuses_are_told(self) -> None:
        with pytest.raises(InvalidParams):
            instance("tests.write_ledger", {"items": "many"})


def ledger() -> list[int]:
    return sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))
