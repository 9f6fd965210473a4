"""What every source promises, whatever its items are; each source's tests call it with sources of their own."""

from collections.abc import Callable
from typing import Any

from headway.operations.outcomes import Gone, Unreadable
from headway.operations.sources import Json, Source
from headway.operations.sources.file_source import Row


def assert_keeps_its_promises(make: Callable[[], Source[Any]]) -> list[tuple[Json, str, Any]]:
    """Check the promises on the source that `make` gives, and on a second one where another worker would have its own.

    Gives what was read, with items as `shape` shows them.
    """
    source = make()
    bounds = source.freeze()
    entries = [(cursor, key, shape(item)) for cursor, key, item in source.read(bounds, None)]

    keys = [key for _, key, _ in entries]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 255 for key in keys)
    assert source.count(bounds) == len(entries)

    other = make()
    for done, (cursor, _, _) in enumerate(entries, start=1):
        rest = [(cursor, key, shape(item)) for cursor, key, item in other.read(bounds, cursor)]
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
