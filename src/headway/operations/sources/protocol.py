"""What a source is: where a run's items come from, in an order that can be taken up again anywhere.

Public: a project may write its own. Bounds and cursors are JSON that only the source itself understands.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Generic, Protocol, TypeAlias, TypeVar

from django.db.models import Model, QuerySet

Item = TypeVar("Item")
Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Entry: TypeAlias = tuple[Json, str, Item]
"""(cursor, key, item): the cursor *after* the item, its key (at most 255 characters, unique in the run), the item."""


class Selections(Protocol):
    """The run's own copy of a selection of keys, kept beside the run. The runner hands it to `Source.attach`."""

    def copy(self, queryset: QuerySet[Model]) -> int:
        """Copy the primary keys, each once, numbered from 1 in the queryset's order; gives how many."""

    def copy_keys(self, keys: Iterable[str]) -> int:
        """Copy these keys, numbered from 1 as they come; gives how many."""

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        """(number, key) of the next `limit` selected rows above the number `after`."""

    def number_of(self, key: str) -> int | None:
        """The number of a key; None where it wasn't copied."""

    def twice(self) -> str | None:
        """A key that was copied more than once; None where there is none."""


class Source(ABC, Generic[Item]):
    """Where items come from. `read` must give the same items in the same order whenever it is asked again.

    Each time it must give new objects: `process` may change an item, and is then given another one if its chunk is
    rolled back.
    """

    may_change: ClassVar[bool] = False
    """Whether others may change or delete an item before its turn, as they may a row of a database. Then `read` is
    called inside the chunk's transaction, so that no item is older than its chunk. Otherwise it is called outside."""

    searches: bool = False
    """Whether `fetch` goes through all items to find one. A retry does; a download of failures does without them."""

    at_once: int = 100
    """How many items `read` should fetch at a time. The runner sets it to what the rest of the chunk may hold."""

    def attach(self, selections: Selections) -> None:
        """Called once before anything else, with what lasts as long as the run."""

    def identity(self) -> str:
        """What the bounds, cursors and keys belong to, for people: "rows of airports_airport by id".

        A run that began over something else pauses, rather than to go on with wrong items. "", the default: not told.
        """
        return ""

    def gather(self) -> Iterator[None]:
        """What takes long before `freeze`, such as to go through files: outside any transaction, and a step with each
        `next`, so that the worker may be stopped in between; then it begins anew. Not called for a retry.
        """
        return iter(())

    @abstractmethod
    def freeze(self) -> Json:
        """The bounds within which this run reads, fixed once at its start, inside a transaction.

        What appears later lies beyond them. Raises what the developer should see; the run then pauses, to be mended.
        """

    @abstractmethod
    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Item]]:
        """The entries within the bounds behind the cursor `after` (None: from the start), lazily.

        An item that is there but can't be read is yielded as an `Unreadable`, never left out and never raised.
        """

    @abstractmethod
    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Item]]:
        """(key, item) for those of the keys that still exist, in any order: the way a retry reads, and what was added
        on the way."""

    def count(self, bounds: Json) -> int | None:
        """How many entries `read` will give, or None where that can't be known. Called in a thread of its own."""
        return None

    def keys(self, bounds: Json) -> Iterable[str]:
        """The keys of all entries that `read` gives, or gave, within the bounds; the same whenever it is asked.

        Only for a source that can; an operation whose items add others needs it, so that no item is done twice. Called
        once, in the transaction of `freeze`, behind it.
        """
        raise NotImplementedError(f"{type(self).__name__} can't tell its keys, because it has no keys().")

    @classmethod
    def tells_keys(cls) -> bool:
        """Whether items of a run over it may add others."""
        return cls.keys is not Source.keys

    def split(self, bounds: Json, n: int) -> Sequence[Json]:
        """At least one and at most `n` bounds that hold the same entries together, each of them once, in their order.

        Only for a source that can; a run in parts needs it. Called once, in the transaction of `freeze`, behind it.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be split, because it has no split().")

    @classmethod
    def can_split(cls) -> bool:
        """Whether a run over it may have parts."""
        return cls.split is not Source.split

    def label(self, item: Item) -> str:
        """What people call this item, such as "line 4,620"; at most 255 characters are kept."""
        return str(item)
