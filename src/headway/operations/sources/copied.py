"""What the sources have in common that copy their keys beside the run at its start: exactly those are done. And what
can be a key."""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from headway.operations.outcomes import Gone

from .paging import paged, shares
from .protocol import Entry, Item, Json, Selections, Source

Given = TypeVar("Given")

LONGEST_KEY = 255  # characters
KEYS_AT_ONCE = 5_000
IN_MEMORY = 1 << 20  # bytes of keys that are gathered
PLAIN = (str, int, UUID, Decimal, date, time)  # among them bool and datetime


class NumberedSource(Source[Given], Generic[Given]):
    """Items whose keys stand in the run's own copy, numbered from 1.

    Bounds are {"count": keys}, and for a part "above", the number behind which it begins; a cursor is a key's number.
    An item that isn't there any more is a `Gone`, so it ends as skipped.
    """

    selections: Selections

    def attach(self, selections: Selections) -> None:
        self.selections = selections

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Given]]:
        above, last = ends_of(bounds)
        start = above if after is None else cast(int, after)
        for number, (key, item) in paged(partial(self.page, last), start, lambda: self.at_once):
            yield number, key, item

    def page(self, last: int, after: int, limit: int) -> list[tuple[int, tuple[str, Any]]]:
        selected = self.selections.page(after, min(limit, last - after)) if after < last else []
        found = dict(self.fetch([key for _, key in selected]))
        return [(number, (key, found[key] if key in found else self.gone(key))) for number, key in selected]

    def count(self, bounds: Json) -> int:
        return int(cast("dict[str, Any]", bounds)["count"])

    def keys(self, bounds: Json) -> Iterator[str]:
        above, last = ends_of(bounds)
        while page := self.selections.page(above, min(KEYS_AT_ONCE, last - above)):
            yield from (key for _, key in page)
            above = page[-1][0]

    def split(self, bounds: Json, n: int) -> list[Json]:
        above, last = ends_of(bounds)
        ranges = shares(last - above, n)
        return [{"above": above + start, "count": end - start} for start, end in ranges] or [bounds]

    def label(self, item: Given) -> str:
        return item.label if isinstance(item, Gone) else str(item)

    def gone(self, key: str) -> Gone:
        """What stands for an item that isn't there any more."""
        return Gone(key)


class Spool:
    """Keys on their way into the database, in a file that goes with the spool: so that they take no memory, and
    gathering them no transaction."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115  (closed by __del__)

    def add(self, text: str) -> None:
        self.file.write(f"{json.dumps(text)}\n")  # in which no line ends

    def __iter__(self) -> Iterator[str]:
        self.file.seek(0)
        return (json.loads(line) for line in self.file)

    def __del__(self) -> None:
        self.file.close()


class CopiedSource(NumberedSource[Item | Gone], Generic[Item]):
    """Items whose keys only the source itself can tell, one by one; so they are gathered before they are copied."""

    gathered: Spool | None = None

    @abstractmethod
    def keys_now(self) -> Iterator[str]:
        """The key of each item that is there now, each once, in the order in which they are to be done."""

    def gather(self) -> Iterator[None]:
        spool = Spool()
        for key in self.keys_now():
            spool.add(key)
            yield
        self.gathered = spool

    def freeze(self) -> Json:
        return {"count": self.selections.copy_keys(self.keys_now() if self.gathered is None else self.gathered)}


def ends_of(bounds: Json) -> tuple[int, int]:
    """The number behind which these bounds begin, and the last number within them."""
    given = cast("dict[str, Any]", bounds)
    above = given.get("above", 0)
    return above, above + given["count"]


def key_text(key: Any, told: str) -> str:
    """A key as it is kept. Raises TypeError or ValueError, which say by whom it is `told`, for what can't be one."""
    if not isinstance(key, PLAIN):
        raise TypeError(
            f"{told} gave {key!r:.200} as a key, which is of type {type(key).__name__}. A key is text, a whole "
            "number, a UUID or a date, and the same whenever it is asked for."
        )
    text = key.isoformat() if isinstance(key, date | time) else str(key)
    if not 0 < len(text) <= LONGEST_KEY:
        raise ValueError(f"{told} gave a key of {len(text)} characters, {text!r:.80}; it must have 1 to {LONGEST_KEY}.")
    if not is_text(text):
        raise ValueError(f"{told} gave the key {text!r:.200}, with characters that no database keeps.")
    return text


def key_texts(keys: Any, told: str) -> list[str]:
    """These keys, or this one, as they are kept. Raises as `key_text`."""
    given = [keys] if isinstance(keys, (*PLAIN, bytes)) or not isinstance(keys, Iterable) else keys
    return [key_text(each, told) for each in given]


def is_text(value: str) -> bool:
    """Whether a database keeps it."""
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False
    return "\0" not in value
