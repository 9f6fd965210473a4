"""The rows that somebody selected, or instances of a list: exactly those, whatever becomes of the conditions under
which they were found."""

from collections.abc import Iterator, Sequence
from typing import Generic, cast

from django.db.models import Model, QuerySet

from headway.operations.outcomes import Gone

from .copied import NumberedSource
from .protocol import Json
from .table import M, ModelKey, TableSource, check_rows, name_of, unlocked


class SelectionSource(NumberedSource[M | Gone], TableSource[M | Gone, M], Generic[M]):
    """The rows in a queryset at the start of the run, each once and in its order: their keys are copied beside the run.

    Bounds are {"count": rows}, and for a part "above", the number behind which it begins; a cursor is a row's number in
    the selection; a key is its primary key. A row that was deleted meanwhile is a `Gone`, so it ends as skipped.
    Any queryset of instances will do: sliced, combined, over joins, of another database. A row that it gives several
    times is taken where it comes first; without an order, they come in that of their primary keys.

    Rows are read through the model's base manager and with nothing but their own columns: what the queryset says
    beyond which rows (select_related, annotate) is not kept, except for `select_for_update`: they are locked from when
    they are read to the end of their chunk.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        check_rows(queryset)
        self.asked = queryset
        self.queryset = unlocked(queryset)
        self.key = ModelKey(queryset.model)

    def identity(self) -> str:
        return f"a selection of {name_of(self.asked, self.key.name)}"

    def freeze(self) -> Json:
        return {"count": self.selections.copy(cast("QuerySet[Model]", self.queryset))}

    def rows(self) -> QuerySet[M]:
        rows: QuerySet[M] = self.queryset.model._base_manager.using(self.queryset.db)
        return rows

    def keys(self, bounds: Json) -> Iterator[str]:
        yield from (str(self.key.dump(self.key.load(key))) for key in super().keys(bounds))  # a UUID with its hyphens

    def gone(self, key: str) -> Gone:
        return Gone(f"{self.queryset.model._meta.verbose_name} {key}")


class InstancesSource(SelectionSource[M], Generic[M]):
    """The rows of a list of instances, each once: what a selection of them would be, so each is read again in its turn.

    `freeze` raises ValueError where they aren't all of one model, or one isn't saved.
    """

    def __init__(self, instances: Sequence[M]) -> None:
        super().__init__(type(instances[0])._base_manager.using(instances[0]._state.db))
        self.instances = instances

    def freeze(self) -> Json:
        return {"count": self.selections.copy_keys(dict.fromkeys(map(self.key_of, self.instances)))}

    def key_of(self, instance: M) -> str:
        if type(instance) is not self.queryset.model:
            raise ValueError(
                f"The list has a {type(instance).__name__} among instances of {self.queryset.model.__name__}; their "
                "keys would be mixed up. Give instances of one model, or yield pairs: `yield key, item`."
            )
        if instance.pk is None:
            raise ValueError(f"The list has {instance!r}, which isn't saved, so it has no key. Save it first.")
        return str(instance.pk)
