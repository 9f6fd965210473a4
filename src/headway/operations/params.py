"""Parameters on their way: given → cleaned by the form → tagged JSON in the run → cleaned data in the worker.

The form cleans once, when the run is started; the worker only decodes. What JSON can't say carries a tag, a
dictionary with the one key "$kind" and its value: {"$date": "2026-11-24"}.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db.models import Model, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from django.utils.duration import duration_iso_string
from django.utils.timezone import is_aware, make_naive

from headway.errors import ChangedMeanwhile, InvalidParams, MissingParam, ParamError

from . import files, form_making, form_texts, schema
from .sources import Json
from .sources.copied import is_text

WHOLE = "__all__"  # where Django's forms keep the errors that belong to no field


class Params(dict[str, Any]):
    """What a run was started with, as its operation has it. A key that isn't there raises MissingParam, a KeyError."""

    def __missing__(self, name: str) -> Any:
        raise MissingParam(name, list(self))


def clean(form: type[forms.BaseForm] | None, given: Any, user: Any = None) -> dict[str, Any]:
    """The cleaned data: checked against the schema, absent keys filled with `initial`, cleaned by the form as it is
    for `user`. A `MultiValueDict` is what a form sends: texts, and files.

    Raises InvalidParams with every reason, also for what is no dictionary: a client may have sent it.
    """
    if not isinstance(given, Mapping):
        text = f"The parameters must be a JSON object, or a dictionary in Python, not {given!r:.100}."
        raise InvalidParams([ParamError("", "type", text)])
    if isinstance(given, MultiValueDict):
        given = form_texts.values_of(given, form)
    if errors := schema.check(given, form):
        raise InvalidParams(errors)
    if form is None:
        return {}
    fields = fields_for(form_making.make(form, user), schema.fields_of(form))
    if hidden := [name for name in given if name not in fields]:
        text = "There is no parameter {!r:.100} for this user."
        raise InvalidParams([ParamError(schema.pointer(name), "unknown", text.format(name)) for name in hidden])
    filled = {name: field.initial() if callable(field.initial) else field.initial for name, field in fields.items()}
    data: dict[str, Any] = {}
    uploads: Any = MultiValueDict()  # any Django file will do, not only an upload; a form asks no more of it
    for name, value in (filled | given).items():
        if isinstance(value, File):
            uploads[name] = value
        elif value is not None:
            data |= submitted(name, value, fields[name])
    bound = form_making.make(form, user, data, uploads)
    bound.is_valid()
    check_valid(bound)
    return dict(bound.cleaned_data)


def check_valid(form: forms.BaseForm) -> None:
    """Raises InvalidParams with each reason for which a form with data isn't valid."""
    reasons = [
        ParamError("" if name == WHOLE else schema.pointer(name), error["code"] or "invalid", error["message"])
        for name, errors in form.errors.get_json_data().items()
        for error in errors
    ]
    if reasons:
        raise InvalidParams(reasons)


def fields_for(blank: forms.BaseForm, declared: Iterable[str]) -> dict[str, forms.Field]:
    """Those of the declared fields that this form has, each with the `initial` that its constructor gave it."""
    fields = {name: blank.fields[name] for name in declared if name in blank.fields}
    for name in fields.keys() & (blank.initial or {}).keys():
        fields[name].initial = blank.initial[name]
    return fields


def of_page(form: type[forms.BaseForm] | None, page: forms.BaseForm, user: Any = None) -> dict[str, Any]:
    """The same out of a page's form; fields that `form` doesn't have are the page's own.

    Raises InvalidParams where the page's form isn't valid, or is another and `form` refuses what that made of a value.
    """
    check_valid(page)
    fields = schema.fields_of(form)
    if form is not None and isinstance(page, form):
        return {name: value for name, value in page.cleaned_data.items() if name in fields or name not in page.fields}
    return clean(form, {name: value for name, value in page.cleaned_data.items() if name in fields}, user)


def of_later_fields(form: type[forms.BaseForm] | None, before: Iterable[str]) -> dict[str, Any]:
    """The cleaned values of the fields that the form has got since a run was started with those `before`: as if nothing
    had been given for them, so their `initial`, or what an optional one is without.

    Raises ChangedMeanwhile for one that can't be without a value.
    """
    known = set(before)
    return {name: by_itself(name, field) for name, field in schema.fields_of(form).items() if name not in known}


def encode(cleaned: dict[str, Any]) -> dict[str, Json]:
    """The cleaned data as tagged JSON. Files must have been stored before (`files.store`).

    Raises InvalidParams for a value that can't be stored.
    """
    encoded = {}
    for name, value in cleaned.items():
        try:
            encoded[name] = encode_value(value)
        except TypeError as error:
            raise InvalidParams([ParamError(schema.pointer(name), "not-storable", str(error))]) from error
    return encoded


def decode(encoded: dict[str, Json]) -> dict[str, Any]:
    """The cleaned data again. Raises ChangedMeanwhile when a model instance or a file isn't there any more."""
    return {name: decode_value(value) for name, value in encoded.items()}


def shown(encoded: dict[str, Json]) -> dict[str, Json]:
    """The parameters as a client sees them: without tags; an instance by its key, a file by its name and size."""
    return {name: shown_value(value) for name, value in encoded.items()}


def chosen(form: type[forms.BaseForm] | None, given: dict[str, Any], encoded: dict[str, Json]) -> dict[str, Json]:
    """The encoded parameters without those that a callable `initial` has filled in.

    What is now, or random, differs each time: the same request would not equal itself.
    """
    fields = schema.fields_of(form)
    made_up = {name for name, field in fields.items() if callable(field.initial) and name not in given}
    return {name: value for name, value in encoded.items() if name not in made_up}


def stored_files(encoded: dict[str, Json]) -> list[files.StoredFile]:
    """The files among the parameters."""
    tagged: list[Any] = [value.get("$file") for value in encoded.values() if isinstance(value, dict)]
    return [files.StoredFile(**file) for file in tagged if file]


def fingerprint(encoded: dict[str, Json], *more: str) -> str:
    """SHA-256 over the canonical JSON: equal for equal requests. A file counts by its content, not by its place."""
    content = untagged(encoded, without_place)
    return hashlib.sha256(canonical([content, *more]).encode()).hexdigest()


def submitted(name: str, value: Any, field: forms.Field) -> dict[str, Any]:
    """The value under the names, and in the shape, in which a page would have submitted it."""
    if isinstance(field, forms.SplitDateTimeField):
        return {f"{name}_0": (pieces := date_and_time(value))[0], f"{name}_1": pieces[1]}
    key = getattr(field, "to_field_name", None) or "pk"
    if isinstance(value, QuerySet):
        return {name: list(value.values_list(key, flat=True))}
    if isinstance(value, list | tuple):
        return {name: [getattr(one, key) if isinstance(one, Model) else one for one in value]}
    return {name: getattr(value, key) if isinstance(value, Model) else value}


def by_itself(name: str, field: forms.Field) -> Any:
    initial = field.initial() if callable(field.initial) else field.initial
    data = {} if initial is None else submitted(name, initial, field)
    uploads: Any = MultiValueDict()
    try:
        return field.clean(field.widget.value_from_datadict(data, uploads, name))
    except ValidationError as error:
        raise ChangedMeanwhile(
            f"The form has got the field {name!r} since this run was started, and it can't be without a value. Give it "
            "an initial one, or required=False."
        ) from error


def date_and_time(value: Any) -> tuple[Any, Any]:
    """A moment in two, as the clock on the wall shows it; what is none is left for the form to judge."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        return value, "00:00"
    wall = make_naive(moment) if is_aware(moment) else moment
    return wall.date(), wall.time()


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def encode_value(value: Any) -> Json:
    match value:
        case float() if not math.isfinite(value):
            raise TypeError(f"{value} is not a number that JSON has.")
        case str() if not is_text(value):
            raise TypeError("The text has a NUL character or half of a character, which a database can't keep.")
        case None | bool() | int() | float() | str():
            return value
        case files.StoredFile():
            return {"$file": asdict(value)}
        case Model():
            return {"$instance": [value._meta.label_lower, encode_value(value.pk)]}
        case QuerySet():
            return {"$instances": [value.model._meta.label_lower, in_one_order(value.values_list("pk", flat=True))]}
        case datetime():
            return {"$datetime": value.isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case time():
            return {"$time": value.isoformat()}
        case timedelta():
            return {"$duration": duration_iso_string(value)}
        case Decimal():
            return {"$decimal": str(value)}
        case UUID():
            return {"$uuid": str(value)}
        case list() | tuple():
            return [encode_value(item) for item in value]
        case set() | frozenset():
            return in_one_order(value)
        case dict():
            if any(not isinstance(key, str) or key.startswith("$") for key in value):
                raise TypeError("The keys of a dictionary must be text that doesn't begin with '$'.")
            return {str(encode_value(key)): encode_value(item) for key, item in value.items()}
        case _:
            raise TypeError(
                f"A value of type {type(value).__name__} can't be stored with a run; "
                "let the form give its key or its text."
            )


def in_one_order(values: Iterable[Any]) -> list[Json]:
    """What has no order of its own, so that equal values are stored alike."""
    return sorted((encode_value(value) for value in values), key=canonical)


def instance(value: Any) -> Model:
    label, stored = value
    model, key = apps.get_model(label), decode_value(stored)
    found: Model | None = model._base_manager.filter(pk=key).first()
    if found is None:
        name = model._meta.verbose_name
        raise ChangedMeanwhile(f"The {name} {key}, with which this run was started, has been deleted.")
    return found


def instances(value: Any) -> QuerySet[Model]:
    label, keys = value
    model: type[Model] = apps.get_model(label)
    return model._base_manager.filter(pk__in=[decode_value(key) for key in keys])


TAGS: dict[str, Callable[[Any], Any]] = {
    "$file": lambda file: files.StoredFile(**file),
    "$instance": instance,
    "$instances": instances,
    "$datetime": parse_datetime,
    "$date": parse_date,
    "$time": parse_time,
    "$duration": parse_duration,
    "$decimal": Decimal,
    "$uuid": UUID,
}


def untagged(value: Json, replace: Callable[[str, Any], Any]) -> Any:
    """The value with `replace(tag, what is tagged)` in place of each tagged one, also inside lists and dictionaries."""
    if isinstance(value, list):
        return [untagged(item, replace) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))) in TAGS:
        return replace(tag, value[tag])
    return {key: untagged(item, replace) for key, item in value.items()}


def decode_value(value: Json) -> Any:
    return untagged(value, lambda tag, content: TAGS[tag](content))


def shown_value(value: Json) -> Any:
    """A stored value without its tag."""
    return untagged(value, shown_content)


def shown_content(tag: str, content: Any) -> Any:
    if tag == "$file":
        return {"name": content["original"], "size": content["size"]}
    return shown_value(content[1]) if tag in ("$instance", "$instances") else content


def without_place(tag: str, content: Any) -> Json:
    """The same with its tag, but of a file only its SHA-256 and size."""
    return {tag: {key: content[key] for key in ("sha256", "size")} if tag == "$file" else content}
