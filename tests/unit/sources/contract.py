"""What every source promises, whatever its items are; each source's tests call it with sources of their own."""

from collections.abc import Callable
from typing import Any

from headway.operations.outcomes import Unreadable
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
    return entries


def shape(item: Any) -> Any:
    """The item as something that can be compared, with its line where it has one."""
    if isinstance(item, Unreadable):
        return item.code, item.text, item.label
    return (dict(item), item.line) if isinstance(item, Row) else item
