"""What a run was started with, as far as it isn't what everybody gets: files by their names, the rest with theirs."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.defaultfilters import truncatechars

from headway.operations import registry, schema

from . import words

MOST = 3  # more would hide what matters
LONGEST = 80


def parameters(operation: str, given: Mapping[str, Any]) -> list[str]:
    """A few words for each of the parameters (as a snapshot has them) that say something."""
    declared = registry.find(operation)
    fields = schema.fields_of(declared.form if declared else None)
    said = [text for name, value in given.items() if (text := parameter(fields.get(name), name, value))]
    return [truncatechars(text, LONGEST) for text in said[:MOST]]


def parameter(field: forms.Field | None, name: str, value: Any) -> str:
    if value in (None, "", [], False) or (field is not None and value == field.initial):
        return ""
    if isinstance(value, dict) and set(value) == {"name", "size"}:
        return str(value["name"])
    if not isinstance(value, str | int | float):
        return ""
    label = str(field.label) if field is not None and field.label else name.replace("_", " ")
    text = words.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return label if value is True else f"{label}: {text}"
