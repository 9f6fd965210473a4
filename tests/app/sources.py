"""A source of one's own, as a project would write it: the numbers 0 to n − 1."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from headway.operations.sources import Entry, Json, Source

from .gates import Gate

__all__ = ["GatedNumbers", "Numbers", "Whole"]


class Numbers(Source[int]):
    """The numbers 0 to n − 1; the cursor is the next one. A part's bounds have the first one too."""

    def __init__(self, n: int) -> None:
        self.n = n

    def freeze(self) -> Json:
        return {"n": self.n}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[int]]:
        within = numbers_in(bounds)
        for number in within if after is None else range(after, within.stop):  # type: ignore[arg-type]
            yield number + 1, str(number), number

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
        return [(key, int(key)) for key in keys]

    def count(self, bounds: Json) -> int | None:
        return len(numbers_in(bounds))

    def split(self, bounds: Json, n: int) -> Sequence[Json]:
        within = numbers_in(bounds)
        ends = [within.start + len(within) * part // n for part in range(n + 1)]
        return [{"first": start, "n": end} for start, end in pairwise(ends) if start < end] or [bounds]


def numbers_in(bounds: Any) -> range:
    return range(bounds.get("first", 0), bounds["n"])


class Whole(Numbers):
    """The same, of those who never thought of parts."""

    split = Source.split


class GatedNumbers(Numbers):
    """The same; whoever reads stands at a gate before one of them."""

    def __init__(self, n: int, gate_at: int | None, gate: Gate | None) -> None:
        super().__init__(n)
        self.gate_at, self.gate = gate_at, gate

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[int]]:
        for cursor, key, number in super().read(bounds, after):
            if number == self.gate_at and self.gate:
                self.gate.wait_here()
            yield cursor, key, number
