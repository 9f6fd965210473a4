"""Starting: one live run for each concurrency key, and nothing left behind by a start that came to nothing."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.utils import translation

from headway import Operation, runs
from headway.errors import InvalidParams, ParamError, RunConflict, UnknownOperation
from headway.models import Run
from headway.runs import Disposition, Started
from headway.store.starts import requests, submissions
from tests.app.sources import Numbers
from tests.once import once

from .conftest import Grant

pytestmark = pytest.mark.django_db


class OneFileForm(forms.Form):
    """A file, a size, and what the operation's own code is to do wrong."""

    file = forms.FileField(required=False)
    size = forms.IntegerField(initial=1)
    wrong = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("wrong") == "unstorable":
            cleaned["wrong"] = object()
        return cleaned


class ReadFile(Operation):
    """One at a time for everybody."""

    name = "tests.read_file"
    params: Any = OneFileForm

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None: ...

    def concurrency_key(self) -> Any:
        wrong = self.params["wrong"]
        if wrong == "raises":
            raise KeyError("oops")
        return {object()} if wrong == "no-json" else {"everybody": True, "wrong": wrong}


class OneAtATime(ReadFile):
    """The same, and joined by nobody."""

    name = "tests.one_at_a_time"
    on_conflict = "reject"


class OneEach(Operation):
    """One at a time for each user: what holds where nothing is declared."""

    name = "tests.one_each"

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None: ...


class StampForm(forms.Form):
    """What differs each time."""

    stamp = forms.CharField(initial=lambda: str(uuid4()))


class Stamped(OneEach):
    """Its form fills in what it isn't told."""

    name = "tests.stamped"
    params: Any = StampForm


def read(content: bytes | None = None, user: Any = None, operation: str = "tests.read_file", **given: Any) -> Started:
    """A start, with a file of this content."""
    if content is not None:
        given["file"] = ContentFile(content, name="a.csv")
    return runs.start(operation, given, user=user)


def conflict(**given: Any) -> RunConflict:
    with pytest.raises(RunConflict) as raised:
        read(**given)
    return raised.value


def files_in(media: Path) -> list[str]:
    """The contents of all that is stored."""
    return sorted(path.read_text() for path in media.rglob("*") if path.is_file())


class TestCreated:
    def test_a_run_is_there_at_once_and_waits_for_a_worker(self, person: Grant) -> None:
        ada = person("ada")
        with translation.override("de"):
            started = runs.start("tests.write_ledger", {"items": 3}, user=ada)

        run = Run.objects.get()
        assert started == Started(run, Disposition.CREATED)
        assert (run.state, run.started_by, run.language) == ("queued", ada, "de")
        assert run.params == {
            "items": 3, "work_us": 0, "reject": "", "skip": "", "fail": "", "stop": "", "die": "", "gate": "",
        }  # fmt: skip
        part = run.parts.get()
        assert (part.kind, part.token, part.cursor) == ("plan", None, None)
        assert part.due is not None

    @pytest.mark.once
    def test_it_may_be_named_by_its_class(self) -> None:
        assert runs.start(ReadFile).run.operation == "tests.read_file"

    @pytest.mark.once
    def test_an_unknown_name_is_refused(self) -> None:
        with pytest.raises(UnknownOperation, match=r"Did you mean 'tests\.read_file'\?"):
            runs.start("tests.read_files")

    @pytest.mark.once
    def test_wrong_parameters_are_refused_and_nothing_is_there(self) -> None:
        with pytest.raises(InvalidParams, match="size: This must be of type integer, not string"):
            read(size="three")
        assert not Run.objects.exists()


class TestJoined:
    def test_the_same_again_is_the_same_run(self) -> None:
        first = read(b"x", size=2, wrong="no")
        again = runs.start("tests.read_file", {"wrong": "no", "file": ContentFile(b"x", name="b.csv"), "size": 2})
        assert again == Started(first.run, Disposition.JOINED)
        assert Run.objects.count() == 1

    @pytest.mark.once
    def test_what_is_made_up_anew_each_time_is_no_other_parameter(self) -> None:
        first, second = runs.start("tests.stamped"), runs.start("tests.stamped")
        assert second.run.pk == first.run.pk
        with pytest.raises(RunConflict):
            runs.start("tests.stamped", {"stamp": "mine"})

    @pytest.mark.once
    def test_what_is_not_given_equals_its_initial_value(self) -> None:
        assert read(size=1).run == read().run

    def test_once_it_has_ended_a_new_one_is_started(self) -> None:
        first = read()
        runs.cancel(first.run)
        second = read()
        assert second.disposition == "created"
        assert second.run != first.run

    def test_two_users_have_a_run_each_where_nothing_is_declared(self, person: Grant) -> None:
        users = [person("ada"), person("bob"), None]
        started = [runs.start("tests.one_each", user=user) for user in users]
        assert [each.disposition for each in started] == ["created"] * 3
        assert [runs.start("tests.one_each", user=user).run for user in users] == [each.run for each in started]

    @pytest.mark.once
    def test_the_order_within_a_key_says_nothing(self) -> None:
        one = requests.hash_key("x", {"a": 1, "b": [2]})
        assert one == requests.hash_key("x", {"b": [2], "a": 1})
        assert one != requests.hash_key("y", {"a": 1, "b": [2]})


class TestConflict:
    def test_other_parameters_are_refused_with_the_live_run(self) -> None:
        first = read(size=1).run
        error = conflict(size=2)
        assert error.existing == first.pk
        assert str(error) == (
            f"Run {first.pk} of tests.read_file is live, with other parameters. Wait for its end, or cancel it."
        )

    @pytest.mark.once
    def test_a_file_of_other_content_is_another_parameter(self) -> None:
        read(b"one")
        assert conflict(content=b"two").existing is not None

    def test_under_reject_the_same_is_refused_too(self) -> None:
        first = read(operation="tests.one_at_a_time").run
        error = conflict(operation="tests.one_at_a_time")
        assert error.existing == first.pk
        assert str(error) == (
            f"Run {first.pk} of tests.one_at_a_time is live, and it allows one at a time. "
            "Wait for its end, or cancel it."
        )

    @pytest.mark.parametrize(
        ("operation", "size"), [("tests.read_file", 1), *once(("tests.read_file", 2), ("tests.one_at_a_time", 1))]
    )
    def test_somebody_elses_run_is_not_named(self, person: Grant, operation: str, size: int) -> None:
        theirs = read(operation=operation, user=person("ada")).run
        error = conflict(operation=operation, size=size, user=person("bob"))
        assert error.existing is None
        assert str(error) == f"Somebody else's run of {operation} is live. Wait for its end."
        assert str(theirs.pk) not in str(error)

    @pytest.mark.once
    def test_nor_to_a_visitor_who_is_not_signed_in(self, person: Grant) -> None:
        read(user=person("ada"))
        assert conflict(user=AnonymousUser()).existing is None

    def test_whoever_may_see_it_joins_it(self, person: Grant) -> None:
        theirs = read(user=person("ada")).run
        assert read(user=person("staff", "view_run")) == Started(theirs, Disposition.JOINED)
        assert read() == Started(theirs, Disposition.JOINED)

    def test_a_retry_that_is_live_is_not_the_start_of_it(self) -> None:
        first = read().run
        runs.cancel(first)
        again = runs.retry(first).run
        error = conflict()
        assert error.existing == again.pk
        assert str(error) == (
            f"Run {again.pk} of tests.read_file is live, as a retry of an earlier run. Wait for its end, or cancel it."
        )


class DiskFull(Exception):
    """What PostgreSQL's driver says of it."""

    sqlstate = "53100"


class TestFiles:
    def test_a_run_that_was_created_has_its_file(self, media: Path) -> None:
        run = read(b"mine").run
        assert files_in(media) == ["mine"]
        stored = run.params["file"]["$file"]
        assert (stored["original"], stored["size"]) == ("a.csv", 4)

    def test_the_losers_upload_is_deleted(self, media: Path) -> None:
        read(b"mine")
        read(b"mine")
        assert files_in(media) == ["mine"]
        conflict(content=b"other")
        assert files_in(media) == ["mine"]

    @pytest.mark.once
    def test_one_that_the_storage_does_not_delete_stays_and_costs_no_answer(
        self,
        media: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        def refuse(name: str) -> None:
            raise OSError("the storage is away")

        first = read(b"mine")
        monkeypatch.setattr(default_storage, "delete", refuse)
        assert read(b"mine") == Started(first.run, "joined")
        with django_capture_on_commit_callbacks(execute=True):
            runs.delete(runs.cancel(first.run))
        assert files_in(media) == ["mine", "mine"]  # until headway_sweep finds them
        assert caplog.text.count("event=upload-not-deleted") == 2

    def test_so_is_that_of_a_start_that_is_rejected(self, media: Path) -> None:
        read(operation="tests.one_at_a_time")
        conflict(operation="tests.one_at_a_time", content=b"x")
        assert files_in(media) == []

    @pytest.mark.parametrize(
        ("given", "error"),
        [
            ({"wrong": "raises"}, KeyError),
            *once(
                ({"size": "three"}, InvalidParams),
                ({"size": None}, InvalidParams),
                ({"wrong": "unstorable"}, InvalidParams),
                ({"wrong": "no-json"}, InvalidParams),
            ),
        ],
    )
    def test_a_refused_start_leaves_no_file_and_no_run(
        self, media: Path, given: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            read(b"x", **given)
        assert files_in(media) == []
        assert not Run.objects.exists()

    def test_nor_does_one_that_the_database_refuses(self, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(request: object) -> None:
            raise OperationalError("disk full") from DiskFull()

        monkeypatch.setattr(submissions, "submit", refuse)
        with pytest.raises(OperationalError, match="disk full"):
            read(b"x")
        assert files_in(media) == []

    def test_nothing_else_is_left_either(self, media: Path) -> None:
        read(b"mine")
        conflict(content=b"other")
        assert len(list(media.rglob("*"))) == 2  # the folder headway and the file in it


@pytest.mark.once
def test_a_concurrency_key_that_is_no_json_is_told_with_its_operation() -> None:
    with pytest.raises(InvalidParams) as raised:
        read(wrong="no-json")
    (error,) = raised.value.errors
    assert error.code == "concurrency-key"
    assert error.detail.startswith("concurrency_key() of tests.read_file gave {<object object at 0x")
    assert error.detail.endswith(">}, which is not a JSON value; give text.")


@pytest.mark.once
def test_the_runs_id_is_random() -> None:
    assert UUID(str(read().run.pk)).version == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((5, {}), "The operation is 5; give its class, or its name."),
        ((int, {}), "The operation is <class 'int'>; give its class"),
    ],
)
@pytest.mark.once
def test_what_can_not_be_an_argument_is_told_at_once(given: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        runs.start(*given)


@pytest.mark.parametrize("given", [[1], [], "x", 0, False])
@pytest.mark.once
def test_parameters_that_are_no_dictionary_are_invalid_as_a_whole(given: Any) -> None:
    with pytest.raises(InvalidParams) as refused:
        runs.start("tests.one_each", given)
    assert refused.value.errors == (
        ParamError("", "type", f"The parameters must be a JSON object, or a dictionary in Python, not {given!r}."),
    )


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"user": "admin"}, "user is 'admin'; give the user itself, such as request.user, or None for code."),
        ({"idempotency_key": 12345678}, "idempotency_key is 12345678; give text."),
    ],
)
@pytest.mark.once
def test_nor_what_is_named_wrongly(named: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        runs.start("tests.one_each", {}, **named)
