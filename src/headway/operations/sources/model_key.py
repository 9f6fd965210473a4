"""A model's field as a key: its values as JSON and as text, and back."""

from collections.abc import Iterable
from datetime import date, time
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Model, QuerySet

from .paging import AT_ONCE
from .protocol import Json

M = TypeVar("M", bound=Model)
LONGEST = 255  # characters of an item's key
ORDERED = (
    models.IntegerField,
    models.CharField,
    models.UUIDField,
    models.DecimalField,
    models.DateField,
    models.TimeField,
)  # all that go to text and back unchanged; among them their subclasses, such as AutoField and DateTimeField


class ModelKey(Generic[M]):
    """The field `name` of a model, or its primary key.

    Raises ValueError for a field that doesn't tell every row from every other, or whose values can't be kept as JSON.
    """

    def __init__(self, model: type[M], name: str | None = None) -> None:
        self.field = field = field_of(model, name)
        if not (field.unique or field.primary_key) or field.null:
            raise refusal(model, field.name, "it must be unique and not null, or rows would be lost or come twice")
        # The primary key of a child in multi-table inheritance is a link to its parent; its value is the parent's.
        self.value_field = value_field = final(field)
        if not isinstance(value_field, ORDERED):
            raise refusal(model, field.name, f"a {type(value_field).__name__} can't be kept as JSON and compared")
        if isinstance(value_field, models.CharField) and (value_field.max_length or LONGEST + 1) > LONGEST:
            raise refusal(model, field.name, f"it must have at most {LONGEST} characters (max_length)")
        self.name = field.name

    def of(self, instance: M) -> Json:
        """The instance's key as JSON."""
        return self.dump(self.value_of(instance))

    def dump(self, value: Any) -> Json:
        if isinstance(value, int):
            return value
        return value.isoformat() if isinstance(value, date | time) else str(value)

    def load(self, key: Json) -> Any:
        """The value whose JSON or text this is. Raises ValidationError for what can't be one."""
        return self.value_field.to_python(key)

    def fetch(self, queryset: QuerySet[M], keys: Iterable[str]) -> dict[str, M]:
        """The instances in the queryset that have one of the keys, by the text that was given for it (a database may
        write a UUID without its hyphens); one query for each 500.
        """
        given = {value: key for key in keys if (value := self.load_or_none(key)) is not None}
        values = list(given)
        chunks = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
        found = [instance for chunk in chunks for instance in queryset.filter(**{f"{self.name}__in": chunk})]
        by_key = {given[value]: row for row in found if (value := self.value_of(row)) in given}
        if any(self.value_of(row) not in given for row in found):
            by_key |= self.fetch_as_the_database_compares(queryset, {v: k for v, k in given.items() if k not in by_key})
        return by_key

    def fetch_as_the_database_compares(self, queryset: QuerySet[M], given: dict[Any, str]) -> dict[str, M]:
        """The same one by one, for keys that the database takes for equal although they are written otherwise."""
        found = ((key, queryset.filter(**{self.name: value}).first()) for value, key in given.items())
        return {key: row for key, row in found if row is not None}

    def value_of(self, instance: M) -> Any:
        return getattr(instance, self.field.attname)

    def load_or_none(self, key: str) -> Any:
        try:
            return self.load(key)
        except ValidationError:
            return None  # no row can have it


def field_of(model: type[Model], name: str | None) -> "models.Field[Any, Any]":
    try:
        field = model._meta.get_field(name) if name and name != "pk" else model._meta.pk
    except FieldDoesNotExist as error:
        raise refusal(model, name or "pk", "there is no such field") from error
    if not isinstance(field, models.Field) or not field.concrete:
        raise refusal(model, name or "pk", "it must be a single column")
    return field


def final(field: "models.Field[Any, Any]") -> "models.Field[Any, Any]":
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def refusal(model: type[Model], name: str, why: str) -> ValueError:
    return ValueError(
        f"{model._meta.label} can't be read by the key {name!r}: {why}. Name another field: sources.queryset(…, key=…)."
    )
