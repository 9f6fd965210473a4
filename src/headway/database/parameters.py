"""Thousands of values as one parameter of a statement."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import Field, IntegerField
from django.db.models.expressions import RawSQL


def as_one_parameter(values: Sequence[Any], field: "Field[Any, Any]", alias: str) -> Any:
    """What a column of this field is compared with by `__in`: the same statement for any number of values.

    A parameter for each would cost Django more than the database, and SQLite may refuse more than 999 of them.
    """
    connection = connections[alias]
    if not isinstance(field, IntegerField):
        values = [field.get_db_prep_value(value, connection) for value in values]
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(values, default=str)])
    if connection.vendor == "postgresql":
        kind = field.rel_db_type(connection)
        return RawSQL(f"SELECT unnest(%s::{kind}[])", [list(values)])  # noqa: S611  (Django names the type)
    return values


def as_table(texts: Sequence[str], alias: str) -> tuple[str, Any]:
    """SQL that gives thousands of texts as rows (number, value), numbered from 1; and its one parameter."""
    if connections[alias].vendor == "sqlite":
        return "SELECT key + 1 AS number, value FROM json_each(%s)", json.dumps(texts)
    return "SELECT number, value FROM unnest(%s::text[]) WITH ORDINALITY AS given(value, number)", list(texts)
