"""What there is to be read of a part, from a cursor on: entries, each (cursor, key, item or verdict)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from headway.models import Part
from headway.operations.outcomes import Gone, Unreadable
from headway.operations.sources import Entry, Source
from headway.store.parts import discoveries
from headway.store.parts.failed import failed_keys
from headway.store.parts.leases import STEP_LIMIT
from headway.store.parts.outcomes import retrying_keys

from .in_hand import Work
from .loading import ask

Entries: TypeAlias = Iterator[Entry[Any]]
T = TypeVar("T")

AT_ONCE = 500  # rows read at once, at most
LONGEST_KEY = 255
VERDICTS = (Unreadable, Gone)  # given in place of an item
UNREADABLE = "Its items can't be read."


def read_inside(work: Work, call: Callable[[], T]) -> T:
    """What `call` reads in the chunk's transaction, between two items. Raises OperationError."""
    guard, pulse = work.guard, work.pulse
    guard.stale, guard.reading = False, True
    pulse.begin(STEP_LIMIT)
    try:
        return ask(UNREADABLE, call)
    finally:
        guard.reading = False
        pulse.begin(work.operation.item_timeout)


def is_verdict(item: Any) -> bool:
    return isinstance(item, VERDICTS)


def told(entry: Entry[Any]) -> Entry[Any]:
    """The entry itself. Raises ValueError when its key is longer than can be kept."""
    if len(entry[1]) > LONGEST_KEY:
        raise ValueError(f"The source gave a key of {len(entry[1])} characters; at most {LONGEST_KEY} are kept.")
    return entry


def read(part: Part, source: Source[Any], cursor: Any = None) -> Entries:
    """The entries of a part from its cursor on: a range of its source, what an earlier run has left, or what was added
    and what is to be tried again by now."""
    cursor = part.cursor if cursor is None else cursor
    if part.phase:
        return read_later(part, source, cursor or [0, 0, 0])
    if part.retries_id is None:
        return source.read(part.bounds, cursor)
    if (found := added_in(part)) is not None:
        return read_added(found[0], source, after=cursor or found[1])
    above, last = failed_of(part)
    return read_failed(part.retries_id, source, after=cursor or above, last=last)


def read_failed(run_id: UUID, source: Source[Any], after: int, last: int) -> Entries:
    """The failed items of a run, as the source has them now."""
    while page := failed_keys(run_id, after, last, min(AT_ONCE, source.at_once)):
        yield from found(source, page)
        after = page[-1][0]


def read_added(part_id: int, source: Source[Any], after: int) -> Entries:
    """What the items of a part have added; a cursor is its id."""
    while page := discoveries.next_of(part_id, after, min(AT_ONCE, source.at_once)):
        yield from found(source, [(at, key, key) for at, key in page])
        after = page[-1][0]


def read_later(part: Part, source: Source[Any], cursor: list[int]) -> Entries:
    """What a later pass does: what was added, and then what is to be tried again. A cursor is [id of what was written
    down, attempts so far (None: it is new), id of what was added last]."""
    after, _, added = [*cursor, 0][:3]
    for place, key, item in read_added(part.pk, source, after=added) if part.added else ():
        added = cast(int, place)
        yield [after, None, added], key, item
    while page := retrying_keys(part, after, min(AT_ONCE, source.at_once)):
        yield from found(source, [([at, attempts, added], key, label) for at, attempts, key, label in page])
        after = page[-1][0]


def found(source: Source[Any], page: Iterable[tuple[Any, str, str]]) -> Entries:
    """Of each (cursor, key, label) the item, as the source has it now."""
    items = dict(source.fetch([key for _, key, _ in page]))
    for cursor, key, label in page:
        item = items.get(key)
        yield cursor, key, Gone(label) if item is None else item


def attempts_before(part: Part, entry: Entry[Any]) -> int:
    """How often earlier passes have done the item."""
    cursor: Any = entry[0]
    return int(cursor[1] or 0) if part.phase else 0


def added_in(part: Part) -> tuple[int, int] | None:
    """Where the part takes up what an earlier run's part was still to do of what was added: (that part's id, the id
    behind which that begins)."""
    bounds: Any = part.bounds
    return (int(bounds["added_in"]), int(bounds["above"])) if "added_in" in bounds else None


def failed_of(part: Part) -> tuple[int, int]:
    """The failed items that a retrying part takes up: (the id above which they begin, the last one's)."""
    bounds: Any = part.bounds
    return int(bounds.get("above", 0)), int(bounds["last"])
