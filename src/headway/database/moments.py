"""Moments by the database's own clock, whatever the project's USE_TZ says."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import is_aware, make_aware, make_naive


class MomentField(models.DateTimeField):  # type: ignore[type-arg]  # generic to the type checker alone
    """A moment that the database writes (`Now`), always with a zone in Python: in UTC, or in the project's own.

    Without USE_TZ Django leaves the zone out, and takes SQLite's `Now`, which is in UTC, for local time.
    """

    def from_db_value(self, value: datetime | None, _: Any, connection: BaseDatabaseWrapper) -> datetime | None:
        if value is None or is_aware(value):
            return value
        return value.replace(tzinfo=UTC if connection.vendor == "sqlite" else ZoneInfo(settings.TIME_ZONE))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        moment = value if prepared else self.get_prep_value(value)
        if connection.vendor == "sqlite" and not settings.USE_TZ and isinstance(moment, datetime):
            moment = make_naive(moment if is_aware(moment) else make_aware(moment), UTC)
        return super().get_db_prep_value(moment, connection, prepared=True)

    def deconstruct(self) -> Any:
        """In migrations it is what it is to a database."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs
