"""Items that are nothing but their keys: a few to begin with, from which the others are found on the way."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from .copied import key_texts
from .paging import shares
from .protocol import Entry, Json, Source

MOST = 100  # they stand in the run's bounds, which whoever watches it reads


class RootsSource(Source[str]):
    """The roots of a tree or a graph, or the first page of many; each item is its key, as text. What is behind a key,
    `prepare` or `process` looks up, and gives what it finds there to `self.add`.

    Bounds are {"roots": keys}; a cursor is how many of them are read. Raises TypeError or ValueError for what can't be
    a key, and ValueError for more than 100: then begin with one item that adds the others.
    """

    def __init__(self, keys: str | Iterable[Any]) -> None:
        self.roots = list(dict.fromkeys(key_texts(keys, "sources.roots()")))
        if len(self.roots) > MOST:
            raise ValueError(f"There are {len(self.roots)} roots, at most {MOST} can be: let one item add the others.")

    def identity(self) -> str:
        return "items found from roots"

    def freeze(self) -> Json:
        return {"roots": cast("list[Json]", self.roots)}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[str]]:
        begin = cast(int, after or 0)
        for number, key in enumerate(self.keys(bounds)[begin:], begin + 1):
            yield number, key, key

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, str]]:
        return [(key, key) for key in keys]

    def count(self, bounds: Json) -> int:
        return len(self.keys(bounds))

    def keys(self, bounds: Json) -> list[str]:
        return cast("dict[str, list[str]]", bounds)["roots"]

    def split(self, bounds: Json, n: int) -> list[Json]:
        keys = self.keys(bounds)
        return [{"roots": cast("list[Json]", keys[start:end])} for start, end in shares(len(keys), n)] or [bounds]
