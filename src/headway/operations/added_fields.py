"""Fields that an operation's form has got since a run was started: they are as if nothing had been given for them."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from headway.errors import ChangedMeanwhile

from .params import submitted
from .schema import fields_of


def values_of(form: type[forms.BaseForm] | None, before: Iterable[str]) -> dict[str, Any]:
    """The cleaned values of the fields that weren't there before: their `initial`, or what an optional one is without.

    Raises ChangedMeanwhile for one that can't be without a value.
    """
    known = set(before)
    return {name: value_of(name, field) for name, field in fields_of(form).items() if name not in known}


def value_of(name: str, field: forms.Field) -> Any:
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
