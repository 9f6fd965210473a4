"""Idempotency keys: the same start said twice is one run; for something else the key is refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from headway import Operation, runs
from headway.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidParams,
    RunConflict,
    RunDeleted,
    RunNotFound,
    StartForbidden,
    StillNeeded,
)
from headway.live.hub import questions
from headway.models import IdempotencyKey, ItemOutcome, Part, Run
from headway.runs import Disposition, Started
from headway.snapshots import snapshot
from headway.store.starts import keys, submissions
from headway.store.starts.requests import Request
from headway.store.upkeep import removals, tidying
from tests.app.driving import drive, fresh, with_failures
from tests.app.forms import CountForm
from tests.app.sources import Numbers

from .conftest import Grant
from .test_starting import files_in

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "0123-abcd"


class Keyed(Operation):
    """Wants a key."""

    permission = "signed-in"
    name = "tests.keyed"
    params: Any = CountForm
    require_idempotency_key = True

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None: ...


class ForAdders(Keyed):
    """Only for some."""

    name = "tests.for_adders"
    permission = "airports.add_airport"


def start(count: int = 1, key: str | None = KEY, user: Any = None, operation: str = "tests.keyed") -> Started:
    return runs.start(operation, {"count": count}, user=user, idempotency_key=key)


def test_the_same_key_is_the_same_run_even_when_it_has_ended() -> None:
    first = start()
    assert start().disposition == Disposition.REPLAYED
    drive(first.run)
    again = start()
    assert (again.disposition, again.run.pk, again.run.state) == (Disposition.REPLAYED, first.run.pk, "succeeded")


def test_for_other_parameters_it_is_refused_and_nothing_is_left() -> None:
    start(1)
    with pytest.raises(IdempotencyKeyReused, match="'0123-abcd' was sent before"):
        start(2)
    assert (Run.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


@pytest.mark.once
def test_for_another_operation_it_is_refused() -> None:
    start()
    with pytest.raises(IdempotencyKeyReused):
        start(operation="tests.for_adders")


@pytest.mark.once
def test_two_users_with_one_key_have_a_run_each(person: Grant) -> None:
    first, second = start(user=person("ann")), start(user=person("ben"))
    assert (first.disposition, second.disposition) == (Disposition.CREATED, Disposition.CREATED)


def test_a_start_that_joins_gives_its_key_to_the_run_that_it_joins() -> None:
    first = start(key=None)
    assert start().disposition == Disposition.JOINED
    drive(first.run)
    assert (start().disposition, start().run.pk) == (Disposition.REPLAYED, first.run.pk)


def test_of_two_that_give_one_key_to_one_run_the_second_is_told_that_it_is_a_replay() -> None:
    run, key = start(key=None).run, keys.Key("", KEY, "f" * 64)
    assert keys.remember(key, run) is None
    assert keys.remember(key, run) == run


def test_a_start_that_is_refused_leaves_no_key() -> None:
    start(1, key=None)
    with pytest.raises(RunConflict):
        start(2)
    assert not IdempotencyKey.objects.exists()


@pytest.mark.once
def test_wrong_parameters_leave_no_key() -> None:
    with pytest.raises(InvalidParams):
        runs.start("tests.keyed", {"count": "many"}, idempotency_key=KEY)
    assert not IdempotencyKey.objects.exists()


def test_it_is_kept_for_a_day_after_the_end_of_its_run() -> None:
    run = drive(start().run)
    ended_for(run, timedelta(hours=23, minutes=59))
    tidying.tidy()
    assert start().disposition == Disposition.REPLAYED
    ended_for(run, timedelta(hours=24, minutes=1))
    again = start()
    assert (again.disposition, IdempotencyKey.objects.get().run_id) == (Disposition.CREATED, again.run.pk)


def test_a_worker_forgets_those_whose_time_is_over() -> None:
    ended_for(drive(start().run), timedelta(hours=24, minutes=1))
    start(key="another-one")
    tidying.tidy()
    assert [row.key for row in IdempotencyKey.objects.all()] == ["another-one"]


def test_a_replayed_upload_is_deleted(media: Path) -> None:
    def read() -> Started:
        upload = ContentFile(b"a\n", name="a.csv")
        return runs.start("tests.read_file", {"file": upload}, idempotency_key=KEY)

    assert [read().disposition for _ in range(2)] == [Disposition.CREATED, Disposition.REPLAYED]
    assert files_in(media) == ["a\n"]


@pytest.mark.parametrize("key", ["", "7-chars", "x" * 256, "with blank", "new\nline1", "ümlaut-key", "x" * 8 + "\n"])
@pytest.mark.once
def test_a_key_is_8_to_255_visible_characters(key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        start(key=key)
    assert not Run.objects.exists()


@pytest.mark.parametrize("key", ["x" * 8, "x" * 255, "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"])
def test_all_of_those_are_kept_as_they_are(key: str) -> None:
    start(key=key)
    assert IdempotencyKey.objects.get().key == key


@pytest.mark.once
def test_a_person_must_send_one_where_the_operation_wants_it_and_code_need_not(person: Grant) -> None:
    with pytest.raises(IdempotencyKeyRequired, match="takes an idempotency key"):
        start(key=None, user=person("ann"))
    assert start(key=None).disposition == Disposition.CREATED


@pytest.mark.once
def test_the_project_can_want_one_everywhere(person: Grant, settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"REQUIRE_IDEMPOTENCY_KEY": True}
    with pytest.raises(IdempotencyKeyRequired):
        runs.start("tests.one_each", user=person("ann"))


@pytest.mark.once
def test_an_operation_is_started_only_by_those_who_have_its_permission(person: Grant) -> None:
    ann = person("ann")
    with pytest.raises(StartForbidden, match=r"tests.for_adders takes the permission airports\.add_airport"):
        start(user=ann, operation="tests.for_adders")
    names = [operation.name for operation in runs.startable_by(ann)]
    assert ("tests.keyed" in names, "tests.for_adders" in names) == (True, False)
    assert "tests.for_adders" in [operation.name for operation in runs.startable_by(None)]


def test_a_replay_shows_nothing_to_one_who_may_no_longer_see_the_run(person: Grant) -> None:
    ann, ben = person("ann"), person("ben", "view_run")
    runs.start("tests.read_file", {}, user=ann)
    joined = runs.start("tests.read_file", {}, user=ben, idempotency_key=KEY)
    assert joined.disposition == Disposition.JOINED

    ben.user_permissions.clear()
    ben = type(ben).objects.get(pk=ben.pk)
    with pytest.raises(RunConflict) as raised:
        runs.start("tests.read_file", {}, user=ben, idempotency_key=KEY)
    assert raised.value.existing is None


@pytest.mark.once
def test_a_retry_takes_the_same_permission_as_a_start(person: Grant) -> None:
    ann = person("ann")
    run = start(operation="tests.for_adders").run
    Run.objects.filter(pk=run.pk).update(started_by=ann)
    runs.cancel(run)
    with pytest.raises(StartForbidden):
        runs.retry(run, user=ann)


class TestDeleting:
    def test_a_run_goes_with_all_that_belongs_to_it(self, media: Path) -> None:
        upload = ContentFile(b"a\n", name="a.csv")
        run = drive(runs.start("tests.read_file", {"file": upload}, idempotency_key=KEY).run)
        runs.delete(run)
        with pytest.raises(RunNotFound):
            runs.get(run)
        assert not Part.objects.exists()
        assert files_in(media) == []

    def test_its_key_starts_nothing_anew_until_a_day_after_its_end(self) -> None:
        run = drive(start().run)
        runs.delete(run)
        for _ in range(2):
            with pytest.raises(RunDeleted, match=f"key {KEY!r} started has been deleted"):
                start()
        with pytest.raises(IdempotencyKeyReused):
            start(count=2)
        tidying.tidy()
        assert Run.everything.get().params == {}

        Run.everything.update(finished_at=timezone.now() - timedelta(hours=24, minutes=1))
        tidying.tidy()
        assert not Run.everything.exists()
        assert start().disposition == Disposition.CREATED

    def test_it_is_removed_in_bites_between_which_others_write(self) -> None:
        run = with_failures(drive(start(key=None).run), 5_000)
        with CaptureQueriesContext(connection) as captured:
            runs.delete(run)
        assert sum(each["sql"].startswith('DELETE FROM "headway_itemoutcome"') for each in captured) > 1
        removals.clear_away(seconds=60)  # on a busy machine some are left
        assert not ItemOutcome.objects.exists()
        assert not Run.everything.exists()

    def test_one_whose_removal_is_cut_short_is_there_for_nobody_and_a_worker_removes_the_rest(
        self, person: Grant
    ) -> None:
        run = with_failures(drive(start(key=None).run), 600)
        removals.delete(run.pk)  # as if its process had been killed here
        removals.clear_away(seconds=0)
        assert ItemOutcome.objects.exists()

        with pytest.raises(RunNotFound):
            runs.get(run)
        with pytest.raises(RunNotFound):
            runs.delete(run)
        with pytest.raises(RunNotFound):
            snapshot(run.pk)
        assert not runs.visible_to(None).exists()
        assert not questions.versions([run.pk])

        tidying.tidy()
        assert not ItemOutcome.objects.exists()
        assert not Run.everything.exists()

    def test_one_that_was_retried_stays_until_its_retry_is_gone(self, script: dict[str, Any]) -> None:
        script["before"] = lambda operation, number: 1 / 0
        old = drive(runs.start("tests.scripted").run)
        new = runs.retry(old).run
        with pytest.raises(StillNeeded, match=f"Delete the newest run of its chain first: {new.pk}"):
            runs.delete(old)
        drive(new)
        runs.delete(new)
        runs.delete(old)
        assert not Run.objects.exists()
        assert not ItemOutcome.objects.exists()

    def test_the_store_itself_keeps_a_run_that_was_retried_between_the_look_and_the_lock(self) -> None:
        old = start().run
        runs.cancel(old)
        runs.retry(old)
        with pytest.raises(StillNeeded):
            removals.delete(old.pk)
        assert Run.objects.count() == 2

    def test_nor_does_it_retry_a_run_that_was_deleted_between_the_look_and_the_lock(self) -> None:
        old = start().run
        runs.cancel(old)
        request = Request(
            operation=old.operation,
            params=old.params,
            fingerprint="f" * 64,
            key=old.concurrency_key,
            language=old.language,
            retry_of=runs.get(old),
        )
        runs.delete(old)
        with pytest.raises(RunNotFound):
            submissions.submit(request)
        assert not Run.objects.exists()


def ended_for(run: Run, duration: timedelta) -> None:
    """As if the run had ended so long ago."""
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - duration)
    assert fresh(run).is_done
