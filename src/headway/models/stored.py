"""What all tables have in common: they live in the default database, whatever the project's routers say of replicas."""

from typing import ClassVar, Self, TypeVar

from django.db import DEFAULT_DB_ALIAS, models

Row = TypeVar("Row", bound=models.Model, covariant=True)


class OnDefaultDatabase(models.Manager[Row]):
    """A replica that lags behind would show a lost lease as ours, or a run without its parts."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().using(DEFAULT_DB_ALIAS)


class Stored(models.Model):
    """The base of every model."""

    objects: ClassVar[OnDefaultDatabase[Self]] = OnDefaultDatabase()

    class Meta:
        abstract = True
