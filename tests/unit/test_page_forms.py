"""What a page's form was sent is cleaned once; how items ended is asked for at one place."""

from typing import Any

import pytest
from django import forms

from headway import Operation, runs
from headway.errors import InvalidParams
from headway.models import ItemState, Run
from tests.app.driving import drive
from tests.app.sources import Numbers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


class LengthForm(forms.Form):
    """In meters."""

    meters = forms.IntegerField()

    def clean_meters(self) -> int:
        """In centimeters; cleaned twice, they would be something else."""
        return int(self.cleaned_data["meters"]) * 100

    def clean(self) -> dict[str, Any]:
        """With a value that isn't any field's."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        return cleaned | {"unit": "cm"}


class LengthPageForm(LengthForm):
    """The same, with a question of the page's own."""

    sure = forms.BooleanField()


class OtherForm(forms.Form):
    """Takes what the operation's form would not."""

    meters = forms.CharField()
    sure = forms.BooleanField()


class Measure(Operation):
    """Only keeps what it was given."""

    name = "tests.measure"
    params: Any = LengthForm

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None:
        """Nothing."""


def valid(form: forms.Form) -> forms.Form:
    assert form.is_valid()
    return form


@pytest.mark.parametrize("kind", [LengthForm, LengthPageForm])
def test_a_pages_form_is_cleaned_once_and_its_own_fields_are_no_parameters(kind: type[forms.Form]) -> None:
    form = valid(kind({"meters": "3", "sure": "on"}))

    assert runs.start(Measure, form=form).run.params == {"meters": 300, "unit": "cm"}


def test_a_form_of_another_class_is_judged_by_the_operations_own() -> None:
    with pytest.raises(InvalidParams) as refused:
        runs.start(Measure, form=valid(OtherForm({"meters": "three", "sure": "on"})))

    assert [error.pointer for error in refused.value.errors] == ["/meters"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("form", [LengthForm(), LengthForm({"meters": "3"}), {"meters": 3}])
def test_a_form_that_was_not_validated_is_told_as_a_mistake_in_code(form: Any) -> None:
    with pytest.raises(TypeError, match=r"form is .+; give a form with data, after its is_valid\(\)\."):
        runs.start(Measure, form=form)


def test_a_form_that_is_not_valid_starts_nothing_and_says_why() -> None:
    form = LengthPageForm({"meters": "3"})
    assert not form.is_valid()

    with pytest.raises(InvalidParams) as refused:
        runs.start(Measure, form=form)

    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/sure", "required")]
    assert not Run.objects.exists()


def test_the_same_by_a_page_and_by_code_is_the_same_run() -> None:
    first = runs.start(Measure, form=valid(LengthForm({"meters": "3"})))

    assert runs.start(Measure, {"meters": 3}).run == first.run


def test_outcomes_are_those_of_the_state_and_the_code_behind_the_one_that_is_known() -> None:
    run = drive(runs.start("tests.write_ledger", {"items": 9, "reject": "1,2,3", "fail": "4", "skip": "5"}).run)

    failed = list(runs.outcomes(run))

    assert [(each.key, each.code) for each in failed] == [
        ("1", "rejected"), ("2", "rejected"), ("3", "rejected"), ("4", "bad-value"),
    ]  # fmt: skip
    assert list(runs.outcomes(run.pk, code="rejected", after=failed[0].pk)) == failed[1:3]
    assert [each.key for each in runs.outcomes(run, ItemState.SKIPPED)] == ["5"]
