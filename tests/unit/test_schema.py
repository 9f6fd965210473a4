"""The JSON Schema of a form says of each field what the form will take, and nothing that JSON can't say."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from headway.forms import CsvFileField
from headway.operations import schema
from tests.app.forms import LedgerForm
from tests.app.models import Thing

PAIRS = [("a", "A"), ("b", "B")]
TYPES = {"boolean", "integer", "number", "string", "array", "object", "null"}


class Size(models.IntegerChoices):
    """Choices that are numbers."""

    SMALL = 1
    LARGE = 2


FIELDS: dict[str, tuple[forms.Field, dict[str, Any]]] = {
    "boolean": (forms.BooleanField(), {"type": "boolean"}),
    "null_boolean": (forms.NullBooleanField(), {"type": ["boolean", "null"]}),
    "integer": (forms.IntegerField(min_value=0, max_value=9), {"type": "integer", "minimum": 0, "maximum": 9}),
    "float": (forms.FloatField(min_value=0.5), {"type": "number", "minimum": 0.5}),
    "decimal": (
        forms.DecimalField(min_value=Decimal("0.5"), max_value=Decimal(9), max_digits=3),
        {"type": ["number", "string"], "minimum": 0.5, "maximum": 9},
    ),
    "char": (forms.CharField(min_length=1, max_length=9), {"type": "string", "minLength": 1, "maxLength": 9}),
    "slug": (forms.SlugField(), {"type": "string"}),
    "regex": (forms.RegexField(r"\d+"), {"type": "string"}),
    "address": (forms.GenericIPAddressField(), {"type": "string", "maxLength": 39}),
    "email": (forms.EmailField(max_length=200), {"type": "string", "format": "email", "maxLength": 200}),
    "url": (forms.URLField(assume_scheme="https"), {"type": "string", "format": "uri"}),
    "uuid": (forms.UUIDField(), {"type": "string", "format": "uuid"}),
    "date": (forms.DateField(), {"type": "string", "format": "date"}),
    "datetime": (forms.DateTimeField(), {"type": "string", "format": "date-time"}),
    "split": (forms.SplitDateTimeField(), {"type": "string", "format": "date-time"}),
    "time": (forms.TimeField(), {"type": "string", "format": "time"}),
    "duration": (forms.DurationField(), {"type": "string", "format": "duration"}),
    "json": (forms.JSONField(), {}),
    "file": (forms.FileField(max_length=100), {"type": "string", "format": "binary"}),
    "csv": (CsvFileField(columns=["icao"]), {"type": "string", "format": "binary"}),
    "choice": (forms.ChoiceField(choices=PAIRS), {"type": ["string", "integer"], "enum": ["a", "b"]}),
    "numbered": (
        forms.TypedChoiceField(choices=Size.choices, coerce=int),
        {"type": ["string", "integer"], "enum": [1, 2]},
    ),
    "grouped": (
        forms.ChoiceField(choices=[("Letters", PAIRS), ("c", "C")]),
        {"type": ["string", "integer"], "enum": ["a", "b", "c"]},
    ),
    "choices": (
        forms.MultipleChoiceField(choices=PAIRS),
        {"type": "array", "items": {"type": ["string", "integer"], "enum": ["a", "b"]}},
    ),
    "typed_choices": (
        forms.TypedMultipleChoiceField(choices=Size.choices, coerce=int),
        {"type": "array", "items": {"type": ["string", "integer"], "enum": [1, 2]}},
    ),
    "instance": (forms.ModelChoiceField(Thing.objects.all()), {"type": ["string", "integer", "null"]}),
    "instances": (
        forms.ModelMultipleChoiceField(Thing.objects.all()),
        {"type": "array", "items": {"type": ["string", "integer"]}},
    ),
    "combo": (forms.ComboField(fields=[forms.CharField(), forms.EmailField()]), {}),
}


def form_of(**fields: forms.Field) -> type[forms.Form]:
    made: type[forms.Form] = type("SomeForm", (forms.Form,), fields)
    return made


@pytest.mark.parametrize("kind", FIELDS)
def test_each_kind_of_field_says_what_it_takes(kind: str) -> None:
    field, expected = FIELDS[kind]
    assert schema.of_form(form_of(it=field))["properties"]["it"] == expected


def test_the_schema_of_every_kind_of_field_is_json_and_uses_only_the_words_of_json_schema() -> None:
    whole = schema.of_form(form_of(**{name: field for name, (field, _expected) in FIELDS.items()}))

    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    assert whole["additionalProperties"] is False
    assert whole["required"] == list(FIELDS)
    for property_ in whole["properties"].values():
        kinds = property_.get("type", [])
        assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES
        assert set(property_) <= {
            "type", "format", "items", "enum", "minimum", "maximum", "minLength", "maxLength",
        }  # fmt: skip


def test_texts_and_initial_values_are_told() -> None:
    field = forms.CharField(label=_("Mode"), help_text=_("What to do."), initial="upsert")
    assert schema.of_form(form_of(mode=field)) == {
        "type": "object",
        "properties": {"mode": {"type": "string", "title": "Mode", "description": "What to do.", "default": "upsert"}},
        "required": [],  # an absent key takes the initial value
        "additionalProperties": False,
    }


def test_a_form_as_a_whole() -> None:
    whole = schema.of_form(LedgerForm)
    assert list(whole["properties"]) == ["items", "work_us", "reject", "skip", "fail", "stop", "die", "gate"]
    assert whole["properties"]["items"] == {"type": "integer", "minimum": 0, "default": 10}
    assert whole["required"] == []


def test_an_operation_without_a_form_takes_an_empty_object() -> None:
    assert schema.of_form(None) == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def test_a_field_of_a_kind_that_is_not_known_takes_anything() -> None:
    class OwnField(forms.Field):
        """A project's own."""

    assert schema.of_form(form_of(it=OwnField()))["properties"]["it"] == {}
    assert schema.check({"it": {"any": ["thing"]}}, form_of(it=OwnField())) == []


def test_what_the_schema_says_of_a_choice_the_form_takes() -> None:
    form = form_of(it=FIELDS["numbered"][0], more=FIELDS["typed_choices"][0])
    for given in ({"it": 2, "more": [1, 2]}, {"it": "2", "more": ["1", "2"]}):
        assert schema.check(given, form) == []
        assert form({"it": given["it"], "more": given["more"]}).is_valid()
