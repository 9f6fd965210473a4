"""Parameters on their way: given → cleaned by the form → tagged JSON in the run → cleaned data in the worker.

The form cleans once, when the run is started; the worker only decodes. What JSON can't say carries a tag, a
dictionary with the one key "$kind" and its value: {"$date": "2026-11-24"}.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.core.files.base import File
from django.db.models import Model, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from django.utils.duration import duration_iso_string

from headway.errors import InvalidParams, ParamError

from . import files, schema
from .sources import Json

__all__ = ["clean", "decode", "encode", "fingerprint"]

WHOLE = "__all__"  # where Django's forms keep the errors that belong to no field


def clean(form: type[forms.BaseForm] | None, given: dict[str, Any]) -> dict[str, Any]:
    """The cleaned data: checked against the schema, absent keys filled with `initial`, cleaned by the form.

    Raises InvalidParams with every reason.
    """
    if errors := schema.check(given, form):
        raise InvalidParams(errors)
    if form is None:
        return {}
    fields: dict[str, forms.Field] = form.base_fields  # type: ignore[attr-defined]
    filled = {name: field.initial() if callable(field.initial) else field.initial for name, field in fields.items()}
    filled |= {name: value.pk if isinstance(value, Model) else value for name, value in given.items()}
    # Any Django file will do, not only an upload; a form asks no more of it.
    uploads: Any = MultiValueDict({name: [value] for name, value in filled.items() if isinstance(value, File)})
    bound = form(
        data={name: value for name, value in filled.items() if value is not None and not isinstance(value, File)},
        files=uploads,
    )
    if not bound.is_valid():
        raise InvalidParams(
            [
                ParamError("" if name == WHOLE else f"/{name}", error["code"] or "invalid", error["message"])
                for name, errors in bound.errors.get_json_data().items()
                for error in errors
            ]
        )
    return dict(bound.cleaned_data)


def encode(cleaned: dict[str, Any]) -> dict[str, Json]:
    """The cleaned data as tagged JSON. Files must have been stored before (`files.store`).

    Raises InvalidParams for a value that can't be stored.
    """
    encoded = {}
    for name, value in cleaned.items():
        try:
            encoded[name] = encode_value(value)
        except TypeError as error:
            raise InvalidParams([ParamError(f"/{name}", "not-storable", str(error))]) from error
    return encoded


def decode(encoded: dict[str, Json]) -> dict[str, Any]:
    """The cleaned data again. Raises LookupError when a model instance or a file isn't there any more."""
    return {name: decode_value(value) for name, value in encoded.items()}


def fingerprint(encoded: dict[str, Json], *more: str) -> str:
    """SHA-256 over the canonical JSON: equal for equal requests. A file counts by its content, not by its place."""
    canonical = json.dumps([without_places(encoded), *more], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def encode_value(value: Any) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case files.StoredFile():
            return {"$file": value.as_json()}
        case Model():
            return {"$instance": [value._meta.label_lower, encode_value(value.pk)]}
        case QuerySet():
            return {
                "$instances": [
                    value.model._meta.label_lower,
                    [encode_value(pk) for pk in value.values_list("pk", flat=True)],
                ]
            }
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
        case list() | tuple() | set() | frozenset():
            return [encode_value(item) for item in value]
        case dict():
            if any(not isinstance(key, str) or key.startswith("$") for key in value):
                raise TypeError("The keys of a dictionary must be text that doesn't begin with '$'.")
            return {key: encode_value(item) for key, item in value.items()}
        case _:
            raise TypeError(
                f"A {type(value).__name__} can't be stored with a run; let the form give its key or its text."
            )


def instance(value: Any) -> Model:
    label, key = value
    model = apps.get_model(label)
    found: Model | None = model._base_manager.filter(pk=decode_value(key)).first()
    if found is None:
        raise LookupError(f"The {model._meta.verbose_name} {key}, with which this run was started, has been deleted.")
    return found


def instances(value: Any) -> QuerySet[Model]:
    label, keys = value
    model: type[Model] = apps.get_model(label)
    return model._base_manager.filter(pk__in=[decode_value(key) for key in keys])


TAGS: dict[str, Callable[[Any], Any]] = {
    "$file": files.StoredFile.from_json,
    "$instance": instance,
    "$instances": instances,
    "$datetime": parse_datetime,
    "$date": parse_date,
    "$time": parse_time,
    "$duration": parse_duration,
    "$decimal": Decimal,
    "$uuid": UUID,
}


def decode_value(value: Json) -> Any:
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))) in TAGS:
        return TAGS[tag](value[tag])
    return {key: decode_value(item) for key, item in value.items()}


def without_places(value: Json) -> Json:
    """The encoded value with each file reduced to its SHA-256 and size."""
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if isinstance(value, dict):
        if isinstance(stored := value.get("$file"), dict):
            return {"$file": {"sha256": stored["sha256"], "size": stored["size"]}}
        return {key: without_places(item) for key, item in value.items()}
    return value
