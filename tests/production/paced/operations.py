"""A run of so many seconds, of nearly no CPU."""

import time

from django import forms

from headway import Operation
from tests.app.sources import Numbers


class PaceForm(forms.Form):
    """How long all of it takes."""

    seconds = forms.IntegerField(min_value=1)


class TakeTime(Operation):
    """Ten items a second."""

    permission = "signed-in"
    name = "paced.take_time"
    params = PaceForm

    def items(self) -> Numbers:
        return Numbers(self.params["seconds"] * 10)

    def process(self, number: int) -> None:
        time.sleep(0.1)
