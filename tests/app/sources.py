"""A source of one's own, as a project would write it: the numbers 0 to n − 1."""

from collections.abc import Iterable, Iterator, Sequence

from headway.operations.sources import Entry, Json, Source

from .gates import Gate

__all__ = ["GatedNumbers", "Numbers"]


class Numbers(Source[int]):
    """The numbers 0 to n − 1; the cursor is the next one."""

    def __init__(self, n: int) -> None:
        self.n = n

    def freeze(self) -> Json:
        return {"n": self.n}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[int]]:
        assert isinstance(bounds, dict)
        for number in range(after or 0, bounds["n"]):  # type: ignore[arg-type]
            yield number + 1, str(number), number

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
        return [(key, int(key)) for key in keys]

    def count(self, bounds: Json) -> int | None:
        assert isinstance(bounds, dict)
        return bounds["n"]  # type: ignore[return-value]


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
