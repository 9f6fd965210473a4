"""What a deploy in the middle of a run does to it: each row of docs/how-to/deploys.md."""

import io
from typing import Any, ClassVar

import pytest
from django import forms
from django.db.models import F

from headway import Operation, Reject, runs, sources
from headway.models import ItemOutcome, Part, Run
from headway.operations import base
from tests.app.driving import after_items, claim, drive, fresh, work
from tests.app.models import LedgerEntry, Tagged, Thing
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)


class Before(forms.Form):
    """As it was when the run was started."""

    name = forms.CharField(initial="thing")


class Deployed(Operation):
    """What the tests deploy again; each run is one beside the others."""

    name = "tests.deployed"
    params = Before
    on_conflict = "allow"
    seen: ClassVar[list[Any]] = []

    def items(self) -> sources.Source[Any]:
        return sources.queryset(Thing.objects.all())

    def process(self, thing: Any) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=thing.code)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run over ten rows, of which one has been done."""
    Thing.objects.bulk_create(Thing(name="thing", code=f"c-{n}") for n in range(10))
    return begun(runs.start(Deployed).run)


def begun(run: Run) -> Run:
    work(claim(run), should_stop=after_items())
    assert done() == 1
    return run


def done() -> int:
    return LedgerEntry.objects.count()


def reason(run: Run) -> str:
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    return run.reason_text


def lines(count: int) -> io.BytesIO:
    return io.BytesIO(b"code\n" + b"x\n" * count)


class TestVersion:
    def test_a_run_that_another_version_has_begun_waits_for_a_person_who_lets_it_go_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Thing.objects.bulk_create(Thing(name="thing", code=f"c-{n}") for n in range(10))
        monkeypatch.setattr(Deployed, "version", "1")
        run = begun(runs.start(Deployed).run)
        monkeypatch.setattr(Deployed, "version", "2")

        waits = drive(run)
        assert (waits.state, waits.reason_code, done()) == ("paused", "other-version", 1)
        assert waits.reason_text.startswith("It began under version 1 of its operation, and this is 2.")

        runs.resume(run)
        work(claim(run), should_stop=after_items())
        monkeypatch.setattr(Deployed, "version", "3")
        assert drive(run).reason_text.startswith("It began under version 2"), "the resume was for the second one alone"

        runs.resume(run)
        claimed = claim(run)
        Run.objects.update(version="2")  # a worker of the second one was quicker, with another part
        work(claimed)
        assert fresh(run).reason_text.startswith("It began under version 2")
        runs.resume(run)
        assert drive(run).state == "succeeded"
        assert done() == 10

    @pytest.mark.once
    def test_a_run_that_began_without_a_version_waits_as_well_and_so_does_one_whose_version_is_gone(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Deployed, "version", "1")
        waits = drive(run)
        assert (waits.state, waits.reason_code, done()) == ("paused", "other-version", 1)
        assert waits.reason_text.startswith("It began under no version of its operation, and this is 1.")

        runs.resume(run)
        work(claim(run), should_stop=after_items())
        assert fresh(run).version == "1"
        monkeypatch.setattr(Deployed, "version", "")
        assert drive(run).reason_text.startswith("It began under version 1 of its operation, and this has none.")
        runs.resume(run)
        work(claim(run), should_stop=after_items())
        assert fresh(run).version == ""
        assert drive(run).state == "succeeded"

    @pytest.mark.once
    @pytest.mark.parametrize("before", ["1", ""])
    def test_one_that_has_not_begun_begins_under_the_version_there_is(
        self, monkeypatch: pytest.MonkeyPatch, before: str
    ) -> None:
        monkeypatch.setattr(Deployed, "version", before)
        run = runs.start(Deployed).run
        monkeypatch.setattr(Deployed, "version", "2")
        assert (drive(run).state, fresh(run).version) == ("succeeded", "2")


@pytest.mark.once
class TestCode:
    def test_what_is_done_to_an_item_is_what_the_new_code_says(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def process(self: Any, thing: Thing) -> None:
            raise Reject("new", "By the new code.")

        monkeypatch.setattr(Deployed, "process", process)
        ended = drive(run)
        assert (ended.state, done(), ItemOutcome.objects.filter(code="new").count()) == ("partial", 1, 9)

    def test_an_operation_that_is_gone_pauses_its_runs_until_it_is_back(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as deploy:
            deploy.delitem(base.by_name, "tests.deployed")
            assert reason(drive(run)).startswith("Its operation can't be loaded.")
        runs.resume(run)
        assert (drive(run).state, done()) == ("succeeded", 10)

    def test_the_number_of_parts_stays_that_of_the_start(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Deployed, "parts", 4)
        assert (drive(run).state, done()) == ("succeeded", 10)
        assert Part.objects.count() == 1


class TestItems:
    @pytest.mark.parametrize(
        ("items", "now"),
        [
            (lambda: sources.queryset(Tagged.objects.all()), "rows of app_tagged by id"),
            *once(
                (lambda: sources.queryset(Thing.objects.all(), key="code"), "rows of app_thing by code"),
                (
                    lambda: sources.queryset(Thing.objects.using("other")),
                    "rows of app_thing by id in the database 'other'",
                ),
                (lambda: sources.selection(Thing.objects.all()), "a selection of app_thing by id"),
                (lambda: sources.csv("/srv/a.csv"), "the file a.csv"),
                (lambda: sources.ndjson(io.BytesIO()), "a file without a name"),
                (lambda: Numbers(3), "others"),
            ),
        ],
    )
    def test_other_items_than_those_it_began_over_pause_it_until_they_are_back(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, items: Any, now: str
    ) -> None:
        Tagged.objects.create()
        with monkeypatch.context() as deploy:
            deploy.setattr(Deployed, "items", lambda self: items())
            assert reason(drive(run)) == (
                f"Its items can't be found. It began over rows of app_thing by id, but its items are {now} now. "
                "Mend it, then resume; nothing is lost."
            )
        assert done() == 1
        runs.resume(run)
        ended = drive(run)
        assert (ended.state, ended.total, done()) == ("succeeded", 10, 10)

    def test_a_retry_asks_no_other_model_for_the_failed_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Deployed, "process", rejecting)
        Thing.objects.create(name="thing", code="c")
        first = drive(runs.start(Deployed).run)
        monkeypatch.undo()
        monkeypatch.setattr(Deployed, "items", lambda self: sources.queryset(Tagged.objects.all()))
        again = runs.retry(first).run
        assert "It began over rows of app_thing by id" in reason(drive(again))

    @pytest.mark.once
    def test_another_file_pauses_it_and_a_moved_directory_does_not(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setattr(Deployed, "process", into_ledger)
        for place in ("one/a.csv", "two/a.csv", "two/b.csv"):
            (tmp_path / place).parent.mkdir(exist_ok=True)
            (tmp_path / place).write_bytes(lines(5).getvalue())
        deploy_file(monkeypatch, tmp_path / "one/a.csv")
        run = begun(runs.start(Deployed).run)

        deploy_file(monkeypatch, tmp_path / "two/b.csv")
        assert "It began over the file a.csv, but its items are the file b.csv now." in reason(drive(run))

        deploy_file(monkeypatch, tmp_path / "two/a.csv")
        runs.resume(run)
        assert (drive(run).state, done()) == ("succeeded", 5)

    def test_other_conditions_hold_for_the_rows_that_are_still_to_be_read(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Thing.objects.filter(code__in=["c-7", "c-8"]).update(name=F("code"))
        monkeypatch.setattr(Deployed, "items", lambda self: sources.queryset(Thing.objects.filter(name="thing")))
        assert (drive(run).state, done()) == ("succeeded", 8)

    @pytest.mark.once
    def test_a_run_of_which_it_was_not_kept_goes_on(self, run: Run) -> None:
        Run.objects.update(source="", form_fields=None)
        assert (drive(run).state, done()) == ("succeeded", 10)


def rejecting(self: Any, item: Any) -> None:
    raise Reject("bad")


def into_ledger(self: Any, row: Any) -> None:
    LedgerEntry.objects.create(run=self.run.id, item=row["code"])


def deploy_file(monkeypatch: pytest.MonkeyPatch, path: Any) -> None:
    monkeypatch.setattr(Deployed, "items", lambda self: sources.csv(path))


class TestParameters:
    @pytest.mark.once
    def test_a_new_field_is_as_if_nothing_had_been_given_for_it(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class After(Before):
            number = forms.IntegerField(initial="3")
            when = forms.SplitDateTimeField(initial=lambda: "2026-11-24 12:30")
            note = forms.CharField(required=False)
            is_urgent = forms.BooleanField(required=False)
            file = forms.FileField(required=False)
            things = forms.ModelMultipleChoiceField(Thing.objects, required=False)

        deploy(monkeypatch, After)
        assert (drive(run).state, done()) == ("succeeded", 10)
        given = Deployed.seen[-1]
        assert (given["name"], given["number"], given["note"], given["is_urgent"], given["file"]) == (
            "thing",
            3,
            "",
            False,
            None,
        )
        assert given["when"].isoformat() == "2026-11-24T12:30:00+00:00"
        assert list(given["things"]) == []

    def test_a_new_field_that_needs_a_value_pauses_it_before_any_item(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class After(Before):
            colour = forms.CharField()

        class Mended(Before):
            colour = forms.CharField(initial="blue")

        deploy(monkeypatch, After)
        assert reason(drive(run)) == (
            "Its operation can't be loaded. The form has got the field 'colour' since this run was started, and it "
            "can't be without a value. Give it an initial one, or required=False. Mend it, then resume; nothing is "
            "lost."
        )
        assert done() == 1
        deploy(monkeypatch, Mended)
        runs.resume(run)
        assert (drive(run).state, done()) == ("succeeded", 10)
        assert Deployed.seen[-1]["colour"] == "blue"

    @pytest.mark.once
    def test_a_field_that_is_gone_is_still_among_them(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        deploy(monkeypatch, forms.Form)
        assert drive(run).state == "succeeded"
        assert Deployed.seen[-1] == {"name": "thing"}

    @pytest.mark.parametrize("guarded", [True, *once(False)])
    def test_what_the_code_does_not_find_among_them_is_no_items_fault(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, guarded: bool
    ) -> None:
        def process(self: Any, thing: Thing) -> None:
            if guarded and thing.code == "c-1":
                raise ValueError("an item that fails, so that the next are done with savepoints")
            LedgerEntry.objects.create(run=self.run.id, item=thing.code + self.params["colour"])

        with monkeypatch.context() as deploy_now:
            deploy_now.setattr(Deployed, "process", process)
            assert reason(drive(run)) == (
                "Its items can't be done. This run was started without a parameter 'colour', for which its code asks. "
                "There are: name. Mend it, then resume; nothing is lost."
            )
        assert done() == 1
        assert not ItemOutcome.objects.exclude(key=Thing.objects.get(code="c-1").pk).exists()
        runs.resume(run)
        assert drive(run).is_done
        assert done() + ItemOutcome.objects.count() == 10

    @pytest.mark.once
    def test_a_misspelt_parameter_is_told_with_the_one_that_was_meant(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Deployed, "process", lambda self, thing: self.params["nmae"])
        assert "'nmae', for which its code asks. Did you mean 'name'? Mend it" in reason(drive(run))

    @pytest.mark.once
    def test_code_that_can_do_without_a_parameter_does(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def process(self: Any, thing: Thing) -> None:
            try:
                self.params["colour"]
            except KeyError:
                colour = self.params.get("colour", "blue")
            LedgerEntry.objects.create(run=self.run.id, item=thing.code + colour)

        monkeypatch.setattr(Deployed, "process", process)
        assert (drive(run).state, done()) == ("succeeded", 10)

    @pytest.mark.once
    def test_a_field_that_the_form_itself_takes_out_is_no_new_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Confirmed(Before):
            confirm = forms.BooleanField()

            def clean(self) -> dict[str, Any]:
                given: dict[str, Any] = super().clean() or {}
                del given["confirm"]
                return given

        Thing.objects.create(name="thing", code="c")
        deploy(monkeypatch, Confirmed)
        ended = drive(runs.start(Deployed, {"confirm": True}).run)
        assert ended.state == "succeeded"
        assert Deployed.seen[-1] == {"name": "thing"}

    @pytest.mark.once
    def test_a_retry_has_what_its_first_run_had(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        class After(Before):
            number = forms.IntegerField(initial=3)

        monkeypatch.setattr(Deployed, "process", rejecting)
        first = drive(run)
        monkeypatch.undo()
        deploy(monkeypatch, After)
        assert (drive(runs.retry(first).run).state, done()) == ("succeeded", 10)
        assert Deployed.seen[-1] == {"name": "thing", "number": 3}

    def test_a_parameter_whose_row_is_deleted_pauses_it_with_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Chosen(forms.Form):
            thing = forms.ModelChoiceField(Thing.objects)

        one = Thing.objects.create(name="thing", code="c")
        deploy(monkeypatch, Chosen)
        run = runs.start(Deployed, {"thing": one}).run
        Thing.objects.all().delete()
        assert "with which this run was started, has been deleted." in reason(drive(run))
        assert fresh(run).reason_detail


def deploy(monkeypatch: pytest.MonkeyPatch, form: type[forms.Form]) -> None:
    """The form that the operation has from now on; what it is given is kept in `seen`."""

    def process(self: Any, thing: Thing) -> None:
        Deployed.seen.append(dict(self.params))
        LedgerEntry.objects.create(run=self.run.id, item=thing.code)

    monkeypatch.setattr(Deployed, "form", form)
    monkeypatch.setattr(Deployed, "process", process)
