"""Thousands of values of any key, compared by a statement with one parameter."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from headway.database import as_one_parameter

pytestmark = pytest.mark.django_db(transaction=True)

VALUES: dict[str, tuple[Any, list[Any]]] = {
    "integer": (models.BigIntegerField, [-1, 7, 2**62]),
    "text": (lambda: models.CharField(max_length=20), ["", 'a "b"', "Ä,{}\\'", "7"]),
    "uuid": (models.UUIDField, [UUID(int=number) for number in (1, 2**127)]),
    "date": (models.DateField, [date(2026, 11, 29), date(1, 1, 1)]),
    "moment": (models.DateTimeField, [datetime(2026, 11, 29, 1, 2, 3, 4, UTC) + timedelta(days=n) for n in (0, 1)]),
    "decimal": (lambda: models.DecimalField(max_digits=10, decimal_places=2), [Decimal("1.50"), Decimal("-7.00")]),
}


@pytest.fixture(params=list(VALUES))
def table(request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[Any]]]:
    """A model with such a key, its table, and what is in it beside one value more."""
    kind, values = VALUES[request.param]
    with isolate_apps("tests.app"):
        attributes = {"key": kind(), "Meta": type("Meta", (), {"app_label": "tests"}), "__module__": __name__}
        model: Any = type("Keyed", (models.Model,), attributes)
        with connection.schema_editor() as editor:
            editor.create_model(model)
        model.objects.bulk_create(model(key=value) for value in values)
        yield model, values
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def test_the_rows_with_these_values_are_found_whatever_their_type(table: tuple[Any, list[Any]]) -> None:
    model, values = table
    field = model._meta.get_field("key")
    rows = model.objects.order_by("pk")

    def found(some: list[Any]) -> list[Any]:
        return list(rows.filter(key__in=as_one_parameter(some, field, "default")).values_list("key", flat=True))

    assert found(values) == values
    assert found(values[1:]) == values[1:]
    assert found([]) == []
