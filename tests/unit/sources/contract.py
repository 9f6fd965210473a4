"""What every source promises, whatever its items are; each source's tests call it with sources of their own."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model, QuerySet

from headway.operations.outcomes import Gone, Unreadable
from headway.operations.sources import Json, Source
from headway.operations.sources.file_source import Row


class Listed:
    """A run's selection, kept in a list."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def copy(self, queryset: QuerySet[Model]) -> int:
        return self.copy_keys(str(pk) for pk in queryset.values_list("pk", flat=True))

    def copy_keys(self, keys: Iterable[str]) -> int:
        self.keys = list(keys)
        return len(self.keys)

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        return list(enumerate(self.keys, start=1))[after : after + limit]

    def number_of(self, key: str) -> int | None:
        return self.keys.index(key) + 1 if key in self.keys else None

    def twice(self) -> str | None:
        return next((key for key in self.keys if self.keys.count(key) > 1), None)


def attached(make: Callable[[], Source[Any]]) -> Callable[[], Source[Any]]:
    """What makes such a source for each worker of one run."""
    kept = Listed()

    def make_attached() -> Source[Any]:
        source = make()
        source.attach(kept)
        return source

    return make_attached


def frozen(source: Source[Any]) -> Json:
    """The source's bounds, as a run freezes them."""
    for _ in source.gather():
        pass
    return as_stored(source.freeze())


def as_stored(value: Json) -> Json:
    """Bounds or a cursor as they come back from the database."""
    stored: Json = json.loads(json.dumps(value))
    return stored


def assert_keeps_its_promises(make: Callable[[], Source[Any]]) -> list[tuple[Json, str, Any]]:
    """Check the promises on the source that `make` gives, and on a second one where another worker would have its own.

    Gives what was read, with items as `shape` shows them.
    """
    source = make()
    bounds = frozen(source)
    entries = [(cursor, key, shape(item)) for cursor, key, item in source.read(bounds, None)]

    keys = [key for _, key, _ in entries]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 255 for key in keys)
    assert source.count(bounds) in (len(entries), None)

    other = make()
    for done, (cursor, _, _) in enumerate(entries, start=1):
        rest = [(cursor, key, shape(item)) for cursor, key, item in other.read(bounds, as_stored(cursor))]
        assert rest == entries[done:]

    fetched = {key: shape(item) for key, item in other.fetch(keys)}
    assert fetched == {key: item for _, key, item in entries}
    for _, key, item in entries[:10]:
        assert [(key, shape(found)) for key, found in other.fetch([key])] == [(key, item)]
    if source.can_split():
        for n in (1, 2, 5):
            assert_its_parts_are_the_whole(source, bounds, n, entries)
    return entries


def assert_its_parts_are_the_whole(
    source: Source[Any], bounds: Json, n: int, entries: list[tuple[Json, str, Any]]
) -> None:
    """Check that parts lose no entry and double none, that each can be taken up anywhere, and be split again."""
    parts = source.split(bounds, n)
    assert 1 <= len(parts) <= n
    read = [[(cursor, key, shape(item)) for cursor, key, item in source.read(part, None)] for part in parts]
    assert [entry for part in read for entry in part] == entries
    for part, within in zip(parts, read, strict=True):
        assert source.count(part) == len(within)
        if within:  # from the other cursors on it reads as the whole does
            assert not list(source.read(part, within[-1][0]))
            rest = [(cursor, key, shape(item)) for cursor, key, item in source.read(part, within[0][0])]
            assert rest == within[1:]
    again = [entry for part in parts for half in source.split(part, 2) for entry in source.read(half, None)]
    assert [key for _, key, _ in again] == [key for _, key, _ in entries]


def shape(item: Any) -> Any:
    """The item as something that can be compared, with its line where it has one."""
    if isinstance(item, Unreadable | Gone):
        return item.code, item.text, item.label
    return (dict(item), item.line) if isinstance(item, Row) else item
