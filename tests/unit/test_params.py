"""Parameters come back in the worker as the form cleaned them, and equal requests are told to be equal."""

import io
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InvalidParams, ParamError, UploadNotStored
from headway.operations import files, params
from headway.operations.files import StoredFile
from tests.app.models import Tagged, Thing

TEXT = st.text().filter(lambda text: "\0" not in text)
KEYS = TEXT.filter(lambda key: not key.startswith("$"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON_LIKE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PYTHONS_OWN = (
    st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas(min_value=timedelta(days=-999_999), max_value=timedelta(days=999_999))
    | st.decimals(allow_nan=False)
    | st.uuids()
)
ANYTHING = st.recursive(
    SCALARS | PYTHONS_OWN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def stored_and_loaded(value: Any) -> Any:
    """The value as the worker has it: through the text in the run's row."""
    return params.decode(json.loads(json.dumps(params.encode({"it": value}))))["it"]


def refusal(value: Any) -> str:
    """Why the value can't be stored."""
    with pytest.raises(InvalidParams) as raised:
        params.encode({"it": value})
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == ("/it", "not-storable")
    return error.detail


class TestRoundTrip:
    @given(ANYTHING)
    def test_what_a_form_gives_comes_back_as_it_was(self, value: Any) -> None:
        back = stored_and_loaded(value)
        assert back == value
        assert type(back) is type(value)

    @given(st.datetimes(), st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]))
    def test_a_time_with_its_zone_is_the_same_instant(self, when: datetime, zone: ZoneInfo) -> None:
        if 1 < when.year < 9999:
            aware = when.replace(tzinfo=zone)
            assert stored_and_loaded(aware).astimezone(UTC) == aware.astimezone(UTC)

    @pytest.mark.parametrize(
        ("value", "stored"),
        [
            (date(2026, 11, 24), {"$date": "2026-11-24"}),
            (datetime(2026, 11, 24, 8, 30, tzinfo=UTC), {"$datetime": "2026-11-24T08:30:00+00:00"}),
            (time(8, 30), {"$time": "08:30:00"}),
            (timedelta(hours=-1), {"$duration": "-P0DT01H00M00S"}),
            (Decimal("1.10"), {"$decimal": "1.10"}),
            (UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
            ([date(2026, 1, 1), {"by": Decimal(1)}], [{"$date": "2026-01-01"}, {"by": {"$decimal": "1"}}]),
            ((1, 2), [1, 2]),
        ],
    )
    def test_what_json_cannot_say_carries_a_tag(self, value: Any, stored: Any) -> None:
        assert params.encode({"it": value}) == {"it": stored}

    def test_a_set_is_stored_in_one_order_whatever_its_own(self) -> None:
        # In a set of small numbers those that share a slot stand in the order in which they came.
        assert list({8, 0}) != list({0, 8})
        assert params.encode({"it": {8, 0}}) == params.encode({"it": {0, 8}}) == {"it": [0, 8]}
        assert sorted(stored_and_loaded(frozenset("abc"))) == ["a", "b", "c"]

    @pytest.mark.django_db
    def test_a_model_instance_is_read_again(self) -> None:
        thing = Thing.objects.create(name="first", code="one")
        encoded = params.encode({"thing": thing})
        assert encoded == {"thing": {"$instance": ["app.thing", thing.pk]}}

        Thing.objects.update(name="renamed")

        assert params.decode(encoded)["thing"].name == "renamed"

    @pytest.mark.django_db
    def test_a_queryset_keeps_its_rows_however_they_change(self) -> None:
        for name in ("b", "a", "c"):
            Thing.objects.create(name=name, code=name)
        encoded = params.encode({"things": Thing.objects.exclude(name="c").order_by("name")})

        Thing.objects.update(name="c")

        assert {thing.code for thing in params.decode(encoded)["things"]} == {"a", "b"}

    @pytest.mark.django_db
    def test_a_queryset_counts_by_its_rows_not_by_their_order(self) -> None:
        for name in ("b", "a"):
            Thing.objects.create(name=name, code=name)
        one, other = (params.encode({"it": Thing.objects.order_by(order)}) for order in ("name", "-name"))
        assert params.fingerprint(one) == params.fingerprint(other)


class TestGone:
    @pytest.mark.django_db
    def test_a_deleted_instance_is_told_by_what_people_call_it(self) -> None:
        thing = Thing.objects.create(name="first", code="one")
        encoded = params.encode({"thing": thing})
        key = thing.pk
        thing.delete()
        with pytest.raises(LookupError) as raised:
            params.decode(encoded)
        assert str(raised.value) == f"The thing {key}, with which this run was started, has been deleted."

    @pytest.mark.django_db
    def test_one_with_a_random_key_too(self) -> None:
        encoded = params.encode({"tagged": Tagged(id=UUID(int=7))})
        with pytest.raises(LookupError) as raised:
            params.decode(encoded)
        assert str(raised.value) == (
            "The tagged 00000000-0000-0000-0000-000000000007, with which this run was started, has been deleted."
        )

    @pytest.mark.django_db
    def test_rows_of_a_queryset_that_were_deleted_are_left_out(self) -> None:
        kept, deleted = (Thing.objects.create(name=name, code=name) for name in "ab")
        encoded = params.encode({"things": Thing.objects.all()})
        deleted.delete()
        assert list(params.decode(encoded)["things"]) == [kept]

    def test_a_deleted_file_is_told_by_the_name_that_its_owner_knows(self) -> None:
        cleaned, (stored,) = files.store({"file": ContentFile(b"a\n1\n", name="airports.csv")})
        decoded = params.decode(params.encode(cleaned))
        files.discard([stored])
        with pytest.raises(LookupError) as raised:
            decoded["file"].open()
        assert str(raised.value) == (
            "The file 'airports.csv', with which this run was started, isn't there: it was deleted, or the worker "
            "reads another storage than the one into which it was uploaded."
        )


class TestNotStorable:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (b"bytes", "A value of type bytes can't be stored with a run; let the form give its key or its text."),
            (range(3), "A value of type range can't be stored with a run; let the form give its key or its text."),
            (
                [{"in": [1j]}],
                "A value of type complex can't be stored with a run; let the form give its key or its text.",
            ),
            ({"$ref": 1}, "The keys of a dictionary must be text that doesn't begin with '$'."),
            ({1: "one"}, "The keys of a dictionary must be text that doesn't begin with '$'."),
            (float("nan"), "nan is not a number that JSON has."),
            ([float("-inf")], "-inf is not a number that JSON has."),
            ("a\0b", "The text has a NUL character or half of a character, which a database can't keep."),
            (["\ud83d"], "The text has a NUL character or half of a character, which a database can't keep."),
            ({"a\0": 1}, "The text has a NUL character or half of a character, which a database can't keep."),
        ],
    )
    def test_what_no_database_keeps_is_refused_by_its_name(self, value: Any, said: str) -> None:
        assert refusal(value) == said

    def test_several_reasons_are_one_sentence_each(self) -> None:
        errors = [ParamError("/items", "type", "Too many."), ParamError("", "other", "They clash.")]
        assert str(InvalidParams(errors)) == "items: Too many. They clash."
        unended = [ParamError("/items", "type", "too many"), ParamError("/sure", "type", "Sure?"), *errors]
        assert str(InvalidParams(unended)) == "items: too many; sure: Sure? items: Too many. They clash."


class TestFingerprint:
    @given(st.dictionaries(KEYS, JSON_LIKE, max_size=5), st.randoms(use_true_random=False))
    def test_it_is_the_same_in_whatever_order_the_keys_come(self, given_: dict[str, Any], random: Any) -> None:
        names = list(given_)
        random.shuffle(names)
        assert params.fingerprint({name: given_[name] for name in names}) == params.fingerprint(given_)

    @given(JSON_LIKE, JSON_LIKE)
    def test_it_differs_where_the_values_do(self, one: Any, other: Any) -> None:
        same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
        assert (params.fingerprint({"it": one}) == params.fingerprint({"it": other})) == same

    def test_a_retry_is_another_request_than_its_original(self) -> None:
        assert params.fingerprint({"a": 1}) != params.fingerprint({"a": 1}, "0198f3c2")

    def test_a_file_counts_by_its_content_not_by_its_name_or_place(self) -> None:
        def encoded(name: str, content: bytes) -> dict[str, Any]:
            cleaned, stored = files.store({"in": ContentFile(content, name=name)})
            files.discard(stored)
            return dict(params.encode(cleaned))

        first = encoded("a.csv", b"a\n1\n")
        assert params.fingerprint(encoded("b.csv", b"a\n1\n")) == params.fingerprint(first)
        assert params.fingerprint(encoded("a.csv", b"a\n2\n")) != params.fingerprint(first)


class EveryWayForm(forms.Form):
    """Some fields, to be given in every way."""

    initials: ClassVar[list[str]] = ["from a function"]

    number = forms.IntegerField(min_value=0, initial=10)
    text = forms.CharField(required=False, initial=lambda: EveryWayForm.initials[0])
    flag = forms.BooleanField(required=False, initial=True)
    choices = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)
    when = forms.SplitDateTimeField(required=False)
    thing = forms.ModelChoiceField(Thing.objects.all(), required=False)
    by_code = forms.ModelChoiceField(Thing.objects.all(), required=False, to_field_name="code")
    things = forms.ModelMultipleChoiceField(Thing.objects.all(), required=False)
    things_by_code = forms.ModelMultipleChoiceField(Thing.objects.all(), required=False, to_field_name="code")
    more = forms.JSONField(required=False)
    file = forms.FileField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("number") == 13:
            raise forms.ValidationError("13 brings bad luck.", code="superstition")
        return cleaned


def cleaned(**given_: Any) -> dict[str, Any]:
    return params.clean(EveryWayForm, given_)


def errors(**given_: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidParams) as raised:
        cleaned(**given_)
    return [(error.pointer, error.code, error.detail) for error in raised.value.errors]


class TestClean:
    def test_an_absent_key_takes_the_initial_value(self) -> None:
        found = {name: list(value) if isinstance(value, QuerySet) else value for name, value in cleaned().items()}
        assert found == {
            "number": 10,
            "text": "from a function",
            "flag": True,
            "choices": [],
            "when": None,
            "thing": None,
            "by_code": None,
            "things": [],
            "things_by_code": [],
            "more": None,
            "file": None,
        }

    def test_a_key_that_is_there_counts_however_empty(self) -> None:
        found = cleaned(text="", flag=False)
        assert (found["text"], found["flag"]) == ("", False)
        assert cleaned(text=None)["text"] == ""
        assert errors(number=None) == [("/number", "required", "This field is required.")]

    @pytest.mark.parametrize(
        ("given_", "said"),
        [
            ({"text": [1]}, ("/text", "type", "This must be of type string, not array.")),
            ({"text": 5}, ("/text", "type", "This must be of type string, not integer.")),
            ({"text": {"a": 1}}, ("/text", "type", "This must be of type string, not object.")),
            ({"number": "5"}, ("/number", "type", "This must be of type integer, not string.")),
            ({"number": True}, ("/number", "type", "This must be of type integer, not boolean.")),
            ({"number": 1.5}, ("/number", "type", "This must be of type integer, not number.")),
            ({"flag": "yes"}, ("/flag", "type", "This must be of type boolean, not string.")),
            ({"choices": "a"}, ("/choices", "type", "This must be of type array, not string.")),
            ({"choices": ["a", None]}, ("/choices/1", "type", "This must be of type string or integer, not null.")),
            ({"file": "/etc/passwd"}, ("/file", "type", "This must be an uploaded file, not a value.")),
            ({"number": -1}, ("/number", "min_value", "Ensure this value is greater than or equal to 0.")),
            (
                {"choices": ["c"]},
                ("/choices", "invalid_choice", "Select a valid choice. c is not one of the available choices."),
            ),
            (
                {"choices": [date(2026, 11, 24)]},
                (
                    "/choices",
                    "invalid_choice",
                    "Select a valid choice. 2026-11-24 is not one of the available choices.",
                ),
            ),
            (
                {"file": ContentFile(b"a")},
                (
                    "/file",
                    "invalid",
                    'This file has no name. Give it one, as in ContentFile(content, name="rows.csv").',
                ),
            ),
            ({"when": "today"}, ("/when", "invalid", "Enter a valid date.")),
            ({"number": 13}, ("", "superstition", "13 brings bad luck.")),
            (
                {"a/b~c": 1},
                (
                    "/a~1b~0c",
                    "unknown",
                    "There is no parameter 'a/b~c'. There are: number, text, flag, choices, when, thing, by_code, "
                    "things, things_by_code, more, file.",
                ),
            ),
        ],
    )
    def test_what_does_not_fit_is_told_with_its_place(self, given_: Any, said: tuple[str, str, str]) -> None:
        assert errors(**given_) == [said]

    def test_a_file_where_none_is_wanted_is_not_passed_over(self) -> None:
        assert errors(text=ContentFile(b"text", name="a.txt")) == [
            ("/text", "type", "This must be a value, not a file.")
        ]

    def test_every_reason_is_told_at_once(self) -> None:
        assert [pointer for pointer, _, _ in errors(number="5", text=5, oops=1)] == ["/number", "/text", "/oops"]

    def test_an_operation_without_a_form_takes_nothing(self) -> None:
        assert params.clean(None, {}) == {}
        with pytest.raises(
            InvalidParams, match=r"^items: There is no parameter 'items'\. It is started without any\.$"
        ):
            params.clean(None, {"items": 5})

    @pytest.mark.parametrize(
        ("given_", "expected"),
        [
            ("2026-11-24T08:30:00", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
            ("2026-11-24T08:30:00+02:00", datetime(2026, 11, 24, 6, 30, tzinfo=UTC)),
            (datetime(2026, 11, 24, 8, 30, tzinfo=UTC), datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ],
    )
    def test_a_time_that_a_page_asks_for_in_two_fields_is_one_value(self, given_: Any, expected: datetime) -> None:
        assert cleaned(when=given_)["when"] == expected

    @pytest.mark.parametrize("value", [{"a": [1, None]}, [1, "two"], 3, False])
    def test_a_json_field_takes_json(self, value: Any) -> None:
        assert cleaned(more=value)["more"] == value

    @pytest.mark.django_db
    def test_code_may_give_instances_as_well_as_keys(self) -> None:
        one, two = (Thing.objects.create(name=name, code=name) for name in ("one", "two"))
        assert cleaned(thing=one)["thing"] == cleaned(thing=one.pk)["thing"] == one
        assert cleaned(by_code=one)["by_code"] == cleaned(by_code="one")["by_code"] == one
        for several in ([one.pk, two.pk], [str(one.pk), two.pk], [one, two], Thing.objects.all()):
            assert set(cleaned(things=several)["things"]) == {one, two}
        for by_code in (["one", "two"], [one, two], Thing.objects.all()):
            assert set(cleaned(things_by_code=by_code)["things_by_code"]) == {one, two}

    @pytest.mark.django_db
    def test_an_instance_that_is_not_there_is_refused(self) -> None:
        assert errors(thing=999)[0][:2] == ("/thing", "invalid_choice")
        assert errors(things=[999])[0][:2] == ("/things", "invalid_choice")

    def test_any_django_file_will_do(self) -> None:
        upload = File(io.BytesIO(b"text"), name="a.txt")
        assert cleaned(file=upload)["file"] is upload


class TestUploads:
    """A file is kept under a name of the library's own, whatever it was called."""

    @pytest.mark.parametrize(
        ("name", "original", "ends"),
        [
            ("airports.csv", "airports.csv", "-airports.csv"),
            ("../../x", "x", "-x"),
            ("C:\\data\\airports.csv", "airports.csv", "-airports.csv"),
            ("/etc/passwd", "passwd", "-passwd"),
            ("", "upload", "-upload"),
            (None, "upload", "-upload"),
            ("..", "upload", "-upload"),
            ("folder/", "upload", "-upload"),
            ("?*|", "?*|", "-upload"),
            ("my file (1).csv", "my file (1).csv", "-my_file_1.csv"),
            ("a" * 296 + ".csv", "a" * 296 + ".csv", "a.csv"),
            ("漢" * 300, "漢" * 300, "漢"),
            ("a\0b\ud83d.csv", "a\ufffdb?.csv", "-ab.csv"),
        ],
    )
    def test_no_name_is_a_danger(self, name: str | None, original: str, ends: str) -> None:
        cleaned_, (stored,) = files.store({"file": ContentFile(b"a\n1\n", name=name)})
        try:
            folder, _, kept_as = stored.name.partition("/")
            assert folder == "headway"
            assert "/" not in kept_as
            assert kept_as.endswith(ends)
            assert len(kept_as.encode()) <= 140
            assert stored.original == original
            assert content(cleaned_["file"]) == b"a\n1\n"
            json.dumps(params.encode(cleaned_)).encode()
        finally:
            files.discard([stored])

    def test_two_files_of_one_name_are_two(self) -> None:
        cleaned_, stored = files.store({name: ContentFile(name.encode(), name="a.csv") for name in ("one", "two")})
        assert [content(cleaned_[name]) for name in ("one", "two")] == [b"one", b"two"]
        files.discard(stored)
        assert not any(default_storage.exists(file.name) for file in stored)

    def test_a_file_is_kept_from_its_start_wherever_it_was_read_to(self) -> None:
        upload = ContentFile(b"a\n1\n", name="a.csv")
        upload.read(2)
        cleaned_, stored = files.store({"file": upload})
        assert content(cleaned_["file"]) == b"a\n1\n"
        assert cleaned_["file"].size == 4
        files.discard(stored)

    def test_when_one_cannot_be_stored_those_before_it_are_deleted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept: list[str] = []
        save = default_storage.save

        def save_once(name: str, content: Any) -> str:
            if kept:
                raise OSError("No space left on device")
            kept.append(save(name, content))
            return kept[0]

        monkeypatch.setattr(default_storage, "save", save_once)
        with pytest.raises(UploadNotStored, match=r"'two' can't be stored now, so nothing was started"):
            files.store({name: ContentFile(b"x", name=name) for name in ("one", "two")})
        assert not default_storage.exists(kept[0])

    def test_a_storage_that_can_delete_none_of_them_either_is_told_alike(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = iter(["headway/one"])
        monkeypatch.setattr(default_storage, "save", lambda name, content: next(names))
        monkeypatch.setattr(default_storage, "delete", lambda name: next(names))
        with pytest.raises(UploadNotStored):
            files.store({name: ContentFile(b"x", name=name) for name in ("one", "two")})

    def test_nothing_is_left_of_a_file_that_was_discarded(self) -> None:
        before = everything_below("headway")
        _, stored = files.store({"file": ContentFile(b"x", name="a.csv")})
        assert everything_below("headway") != before
        files.discard(stored)
        assert everything_below("headway") == before

    def test_what_is_stored_says_its_name_to_people(self) -> None:
        assert str(StoredFile("headway/x-a.csv", "a.csv", "0" * 64, 1)) == "a.csv"


def content(stored: StoredFile) -> bytes:
    with stored.open() as file:
        return bytes(file.read())


def everything_below(folder: str) -> set[str]:
    """Files and folders in the storage."""
    if not default_storage.exists(folder):
        return set()
    folders, names = default_storage.listdir(folder)
    return set(folders) | set(names)
