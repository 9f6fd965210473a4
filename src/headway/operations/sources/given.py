"""What `items()` may give in place of a source; lists and ranges as sources."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Manager, Model, QuerySet

from .by_key import QuerysetSource
from .by_pairs import PairsSource
from .by_selection import InstancesSource
from .copied import LONGEST_KEY, PLAIN, CopiedSource, key_text
from .paging import shares
from .protocol import Entry, Json, Source

TOLD = "The list that items() returned"


def source_given(items: Callable[[], Any], name: str) -> Source[Any]:
    """What `items()` gives, or the source of it. Raises TypeError, which says what to write, for anything else."""
    given = items()
    if isinstance(given, Source):
        return given
    if isinstance(given, QuerySet):
        return QuerysetSource(given)
    if isinstance(given, range):
        return RangeSource(given)
    if isinstance(given, list | tuple):  # rows of a table are read again in their turn, the rest is taken as it is
        return InstancesSource(given) if given and isinstance(given[0], Model) else ListSource(given)
    if isinstance(given, Iterator):
        return PairsSource(items)
    told = "None. Is a `return` missing?" if given is None else f"an object of type {type(given).__name__}."
    raise TypeError(f"{name}: items() gave {told} {advice(given)}")


def advice(given: Any) -> str:
    if isinstance(given, Manager):
        return "Write .all() behind it."
    if isinstance(given, type) and issubclass(given, Model):
        return f"Write {given.__name__}.objects.all()."
    if isinstance(given, dict):
        return "Write `yield from` before it, and .items() behind it."
    if isinstance(given, set | frozenset):
        return "Put sorted(…) around it: a set has another order in each worker."
    return "It must give a source, such as sources.csv(…), a queryset, a list or a range, or yield (key, item)."


class ListSource(CopiedSource[Any]):
    """The items of a list, each known by what it is: so it doesn't matter where in the list it stands.

    Its keys are copied at the start: an item that is missing from the list of a later worker is a `Gone`, one that is
    new there is left out. A plain value (text, a number, a UUID, a date) is its own key; anything else is known by a
    hash of its JSON. The second of two equal items has "#2" behind its key.

    Raises TypeError for an item that can't be told from others by its JSON.
    """

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def identity(self) -> str:
        return "a list"

    @cached_property
    def places(self) -> dict[str, int]:
        """Where in the list each item stands, by its key."""
        places: dict[str, int] = {}
        often: Counter[str] = Counter()
        for place, item in enumerate(self.items):
            key = content = content_key(item)
            while key in places:
                often[content] += 1
                key = f"{content}#{often[content] + 1}"
            places[key] = place
        return places

    def keys_now(self) -> Iterator[str]:
        return iter(self.places)

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        # Copies, since `process` may change one, and the list may be a constant of the project's.
        return [(key, deepcopy(self.items[self.places[key]])) for key in keys if key in self.places]


class RangeSource(Source[int]):
    """The numbers of a range as it is at the start; nothing is copied, since its three numbers say it all.

    Bounds are [start, stop, step]; a cursor is the last number done; a key is the number itself.
    """

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers

    def identity(self) -> str:
        return "a range of numbers"

    def freeze(self) -> Json:
        return [self.numbers.start, self.numbers.stop, self.numbers.step]

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[int]]:
        within = within_bounds(bounds)
        for number in within if after is None else within[within.index(cast(int, after)) + 1 :]:
            yield number, str(number), number

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
        return [(key, int(key)) for key in keys]

    def count(self, bounds: Json) -> int:
        return len(within_bounds(bounds))

    def split(self, bounds: Json, n: int) -> list[Json]:
        within = within_bounds(bounds)
        parts = [within[start:end] for start, end in shares(len(within), n)]
        return [[part.start, part.stop, part.step] for part in parts] or [bounds]


def within_bounds(bounds: Json) -> range:
    return range(*cast("list[int]", bounds))


def content_key(item: Any) -> str:
    """The key of an item of a list: itself, or what its JSON comes to."""
    if isinstance(item, PLAIN) and len(str(item)) <= LONGEST_KEY - 20:  # room for the number of a repetition
        return key_text(item, TOLD)
    try:
        content = json.dumps(item, cls=DjangoJSONEncoder, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"{TOLD} has {item!r:.200}, which the next worker couldn't tell from others ({error}). "
            "Give plain values or dictionaries of them, or yield pairs in place of the list: `yield key, item`."
        ) from error
    return hashlib.sha256(content.encode()).hexdigest()[:32]
