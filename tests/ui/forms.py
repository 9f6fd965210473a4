"""Forms whose cleaned values are of other types than what is typed, and an operation that asks for them."""

from typing import Any

from django import forms

from headway import Operation
from tests.app.sources import Numbers

__all__ = ["Asking"]


class Words(forms.CharField):
    """Several in one line."""

    def clean(self, value: Any) -> list[str]:
        """A list of them."""
        return list(super().clean(value).split())


class AskingForm(forms.Form):
    """One of each."""

    really = forms.TypedChoiceField(choices=[("True", "Yes"), ("False", "No")], coerce=lambda text: text == "True")
    factor = forms.TypedChoiceField(choices=[("0.5", "Half"), ("2.5", "Most")], coerce=float)
    halves = forms.TypedMultipleChoiceField(choices=[("0.5", "Half"), ("1.5", "More")], coerce=float)
    names = Words()
    meters = forms.IntegerField()
    given = forms.JSONField()
    on = forms.DateField(required=False)
    at = forms.SplitDateTimeField()
    sure = forms.BooleanField(required=False)
    maybe = forms.NullBooleanField(required=False)

    def clean_meters(self) -> int:
        """In centimeters; cleaned twice, they would be something else."""
        return int(self.cleaned_data["meters"]) * 100


class Asking(Operation):
    """Only keeps what it was given."""

    permission = "signed-in"
    name = "tests.asking"
    params: Any = AskingForm

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None:
        """Nothing."""
