"""Operations that are started over HTTP: one for each policy, and those that want something of the caller."""

from typing import Any

from django import forms

from headway import Operation, Reject, sources
from headway.forms import CsvFileField
from tests.app.sources import Numbers

__all__ = ["Counting", "ReadPeople"]


class CountForm(forms.Form):
    """How many items, and which of them are refused."""

    count = forms.IntegerField(min_value=0, max_value=1000, initial=1)
    reject = forms.CharField(required=False, initial="")


class Counting(Operation):
    """Counts; the base of those below."""

    permission = "signed-in"
    name = "tests.http_join"
    params = CountForm

    def items(self) -> sources.Source[int]:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None:
        if str(number) in self.params["reject"].split(","):
            raise Reject("not-wanted", f"{number} is not wanted.")


class Rejecting(Counting):
    """One at a time."""

    name = "tests.http_reject"
    on_conflict = "reject"


class Queueing(Counting):
    """One after the other."""

    name = "tests.http_queue"
    on_conflict = "queue"


class Replacing(Counting):
    """The newest counts."""

    name = "tests.http_replace"
    on_conflict = "replace"


class Allowing(Counting):
    """Side by side."""

    name = "tests.http_allow"
    on_conflict = "allow"


class Shared(Counting):
    """One at a time for everybody."""

    name = "tests.http_shared"

    def concurrency_key(self) -> Any:
        return "everybody"


class Guarded(Counting):
    """Not for everybody."""

    name = "tests.http_guarded"
    permission = "airports.add_airport"


class Keyed(Counting):
    """Never without a key."""

    name = "tests.http_keyed"
    require_idempotency_key = True


class PeopleForm(forms.Form):
    """One parameter of each kind that a form's text must be turned into."""

    file = CsvFileField(columns=("name",), max_size=100_000)
    copies = forms.IntegerField(initial=1)
    share = forms.FloatField(required=False)
    loud = forms.BooleanField(required=False)
    colours = forms.MultipleChoiceField(choices=[("red", "red"), ("blue", "blue")], required=False)
    more = forms.JSONField(required=False)


class ReadPeople(Operation):
    """Reads an upload, and refuses everybody whose name ends with an exclamation mark."""

    permission = "signed-in"
    name = "tests.http_people"
    params = PeopleForm

    def items(self) -> sources.Source[Any]:
        return sources.csv(self.params["file"])

    def process(self, row: Any) -> None:
        if row["name"].endswith("!"):
            raise Reject("too-loud", "Not so loud.")


class GreetPeople(ReadPeople):
    """The same, and keeps what it says to them."""

    name = "tests.http_greet_people"
    keep_results = True

    def process(self, row: Any) -> Any:
        super().process(row)
        return {"greeting": f"Hello {row['name']}", "older": int(row["age"]) + 1}
