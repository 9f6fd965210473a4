"""What a page's form was sent, as `runs.start` takes it: that is checked by its JSON type and cleaned once more."""

from collections.abc import Iterator
from typing import Any

from django import forms

from headway.operations import schema

__all__ = ["submitted"]


def submitted(form: Any, own: type[forms.BaseForm] | None) -> dict[str, Any]:
    """The operation's own parameters in the valid `form` of its page; `own` is the operation's form."""
    fields: dict[str, forms.Field] = own.base_fields if own else {}  # type: ignore[attr-defined]
    return {name: sent(form, own, name) for name in fields if name in form.cleaned_data}


def sent(form: Any, own: type[forms.BaseForm] | None, name: str) -> Any:
    """The first of the value's shapes that a client may send; what none is, the check refuses."""
    shapes = typed(form, name) if type(form) is own else translated(form, name)
    return next((value for value in shapes if not schema.check({name: value}, own)), form.cleaned_data[name])


def typed(form: Any, name: str) -> Iterator[Any]:
    """What was typed comes first: cleaning what is clean already may change it again, or refuse it."""
    yield form[name].data
    yield form.fields[name].clean(form[name].data)  # a number for its digits, before `clean_NAME` has seen it


def translated(form: Any, name: str) -> Iterator[Any]:
    """A form of the page's own may have made something else of it."""
    yield form.cleaned_data[name]
    yield form[name].data
