"""JSON Schema of a form, and the check of a client's JSON against it, before the form itself sees it.

Only what the form's fields say is generated, so that a form's coercions ("[1]" into a text field, "yes" into a
number) can't hide a wrong type.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.base import File
from django.utils.choices import flatten_choices

from headway.errors import ParamError

# The first class that matches, so the narrow ones stand before their bases.
TYPES: tuple[tuple[type[forms.Field], dict[str, Any]], ...] = (
    (forms.NullBooleanField, {"type": ["boolean", "null"]}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.DecimalField, {"type": ["number", "string"]}),
    (forms.FloatField, {"type": "number"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.JSONField, {}),
    (forms.FileField, {"type": "string", "format": "binary"}),
    (forms.ModelMultipleChoiceField, {"type": "array", "items": {"type": ["string", "integer"]}}),
    (forms.ModelChoiceField, {"type": ["string", "integer", "null"]}),
    (forms.MultipleChoiceField, {"type": "array", "items": {"type": ["string", "integer"]}}),
    (forms.ChoiceField, {"type": ["string", "integer"]}),
    (forms.SplitDateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.TimeField, {"type": "string", "format": "time"}),
    (forms.DurationField, {"type": "string", "format": "duration"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.URLField, {"type": "string", "format": "uri"}),
    (forms.UUIDField, {"type": "string", "format": "uuid"}),
    (forms.CharField, {"type": "string"}),
)
BOUNDS = {"min_value": "minimum", "max_value": "maximum", "min_length": "minLength", "max_length": "maxLength"}
IS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
JSON_TYPES = (type(None), bool, int, float, str, list, tuple, dict)


def of_form(form: type[forms.BaseForm] | None) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `form` takes: an object without further properties."""
    fields = fields_of(form)
    return {
        "type": "object",
        "properties": {name: of_field(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required and field.initial is None],
        "additionalProperties": False,
    }


def fields_of(form: type[forms.BaseForm] | None) -> dict[str, forms.Field]:
    """The declared fields by their names; without a form, none."""
    return form.base_fields if form else {}  # type: ignore[attr-defined]


def takes_files(form: type[forms.BaseForm] | None) -> bool:
    """Whether a parameter is a file, so that parameters may come as multipart."""
    return any(isinstance(field, forms.FileField) for field in fields_of(form).values())


def of_field(field: forms.Field) -> dict[str, Any]:
    """The schema of one field: type, bounds, choices, title, help and default, as far as the field says them."""
    schema = next((dict(known) for kind, known in TYPES if isinstance(field, kind)), {})
    bounds = {} if isinstance(field, forms.FileField) else BOUNDS  # a file's max_length is that of its name
    for attribute, keyword in bounds.items():
        if (bound := getattr(field, attribute, None)) is not None and not callable(bound):
            schema[keyword] = float(bound) if isinstance(bound, Decimal) else bound
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        declared: Any = field.choices
        choices = [as_json(value) for value, _ in flatten_choices(declared)]
        if choices and isinstance(field, forms.MultipleChoiceField):
            schema["items"] = schema["items"] | {"enum": choices}
        elif choices:  # else a form's constructor fills them in, by its user
            schema["enum"] = choices
    if field.label:
        schema["title"] = str(field.label)
    if field.help_text:
        schema["description"] = str(field.help_text)
    if isinstance(field.initial, str | int | float | bool):
        schema["default"] = field.initial
    return schema


def as_json(choice: Any) -> int | str:
    """A choice as a client may send it; numbers may come as text as well, as a page submits them."""
    if isinstance(choice, int) and not isinstance(choice, bool):
        return int(choice)
    return "" if choice is None else str(choice)


def pointer(name: str) -> str:
    """The JSON pointer (RFC 6901) to a parameter."""
    return f"/{name.replace('~', '~0').replace('/', '~1')}"


def check(given: dict[str, Any], form: type[forms.BaseForm] | None) -> list[ParamError]:
    """What is wrong with the given parameters by their names and JSON types; the form judges the rest.

    Values that JSON doesn't have (dates, model instances, files), as code may pass them, are left to the form.
    """
    properties = of_form(form)["properties"]
    errors = []
    others = f"There are: {', '.join(properties)}." if properties else "It is started without any."
    for name, value in given.items():
        if name not in properties:
            errors.append(ParamError(pointer(name), "unknown", f"There is no parameter {name!r:.100}. {others}"))
        elif value is not None:
            errors += check_value(pointer(name), value, properties[name])
    return errors


def kinds_of(schema: dict[str, Any]) -> list[str]:
    """The JSON types that a schema allows; none where any is."""
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def check_value(place: str, value: Any, schema: dict[str, Any]) -> list[ParamError]:
    """Whether a file stands where one is wanted, and a value that JSON has is of a type that the schema allows."""
    if isinstance(value, File):
        if schema.get("format") != "binary":
            return [ParamError(place, "type", "This must be a value, not a file.")]
        said = 'This file has no name. Give it one, as in ContentFile(content, name="rows.csv").'
        return [] if value.name else [ParamError(place, "invalid", said)]
    return check_type(place, value, schema) if isinstance(value, JSON_TYPES) else []


def check_type(place: str, value: Any, schema: dict[str, Any]) -> list[ParamError]:
    """Whether the value, and each item of an array, is of a type that the schema allows."""
    allowed = kinds_of(schema)
    if not allowed:
        return []
    if schema.get("format") == "binary":
        several = isinstance(value, list) and value and all(isinstance(one, File) for one in value)
        said = f"takes one file; {len(value)} were sent." if several else "must be an uploaded file, not a value."
        return [ParamError(place, "type", f"This {said}")]
    if not any(IS[kind](value) for kind in allowed):
        wanted = " or ".join(kind for kind in allowed if kind != "null")
        found = next(kind for kind, is_it in IS.items() if is_it(value))
        return [ParamError(place, "type", f"This must be of type {wanted}, not {found}.")]
    if isinstance(value, list | tuple):
        return [
            error
            for index, item in enumerate(value)
            for error in check_value(f"{place}/{index}", item, schema.get("items", {}))
        ]
    return []
