"""What a function yields, as a source: `def items(self): yield key, item`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from headway.errors import ChangedMeanwhile
from headway.operations.outcomes import Gone

from .copied import CopiedSource, key_text
from .paging import AT_ONCE, Seeking
from .protocol import Entry, Json, Selections, Source

MOST_MISSING = 1_000  # keys that a cursor can remember


class PairsSource(CopiedSource[Any]):
    """The items of pairs (key, item), which a function yields anew whenever it is called.

    Its keys are copied at the start, and exactly those are done, each once: a key that comes no more is a `Gone` when
    all others are done, a key that is new is left out. Each worker goes through all pairs from the first on, so that to
    take a run up again costs as much as to yield what is done.

    Bounds are {"count": keys}; a cursor is [the greatest number of a key so far, the numbers below it that haven't come
    yet]. Raises ChangedMeanwhile when more than 1,000 haven't: then the pairs come in another order than at the start.
    """

    searches = True
    split = Source.split  # type: ignore[assignment]  # each part would go through all pairs

    def __init__(self, pairs: Callable[[], Iterable[Any]]) -> None:
        self.make = pairs
        self.seeking = Seeking(self.pairs)

    def identity(self) -> str:
        return "what items() yields"

    def pairs(self) -> Iterator[tuple[str, Any]]:
        for given in self.make():
            yield pair(given, "items()")

    def keys_now(self) -> Iterator[str]:
        return (key for key, _ in self.pairs())

    def freeze(self) -> Json:
        bounds = super().freeze()
        if (twice := self.selections.twice()) is not None:
            raise ValueError(f"items() yielded the key {twice!r} twice. A key must tell its item from all others.")
        return bounds

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        last = self.count(bounds)
        top, missing = cast("tuple[int, list[int]]", after or (0, []))
        numbers, left = Numbers(self.selections), dict.fromkeys(missing)
        for key, item in self.pairs() if top < last or left else ():
            number = numbers.of(key)
            if number is None or (number <= top and number not in left):
                continue  # new since the start, or done
            left.pop(number, None)
            left |= dict.fromkeys(range(top + 1, number))
            top = max(top, number)
            self.check(len(left), last)
            yield [top, [*left]], key, item
            if top == last and not left:
                return
        self.check(len(left) + last - top, last)
        yield from self.gone_ones([*left, *range(top + 1, last + 1)], last)

    def gone_ones(self, numbers: list[int], last: int) -> Iterator[Entry[Any]]:
        """The keys with these numbers, none of which has come."""
        for place, number in enumerate(numbers, start=1):
            ((_, key),) = self.selections.page(number - 1, 1)
            yield [last, [*numbers[place:]]], key, Gone(key)

    def check(self, missing: int, last: int) -> None:
        if missing > MOST_MISSING:
            raise ChangedMeanwhile(
                f"Of the {last:,} keys that items() yielded when this run began, {missing:,} are missing now, or come "
                "in another order. It must yield the same keys in the same order each time."
            )

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        return self.seeking.fetch(keys)


class Numbers:
    """The numbers of keys, which are asked for in about the order in which they were copied."""

    def __init__(self, selections: Selections) -> None:
        self.selections = selections
        self.ahead: dict[str, int] = {}
        self.end = 0

    def of(self, key: str) -> int | None:
        """None for a key that isn't among them."""
        if not self.ahead:
            self.look_ahead(self.end)
        if key in self.ahead:
            return self.ahead.pop(key)
        number = self.selections.number_of(key)
        if number is not None:
            self.look_ahead(number)
        return number

    def look_ahead(self, after: int) -> None:
        self.ahead = {key: number for number, key in self.selections.page(after, AT_ONCE)}
        self.end = max(self.ahead.values(), default=after)


def pair(given: Any, told: str) -> tuple[str, Any]:
    """The pair with its key as text. Raises TypeError, which says by whom it is `told`, for what is none."""
    if not isinstance(given, tuple) or len(given) != 2:
        raise TypeError(
            f"{told} gave {given!r:.200} (of type {type(given).__name__}); it must give pairs, (key, item), with a "
            "key that is the same whenever the item comes."
        )
    return key_text(given[0], told), given[1]
