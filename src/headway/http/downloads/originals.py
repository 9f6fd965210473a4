"""The items behind the outcomes, as the run's source still has them, in plain values; and what is told of each behind
its own columns, such as why it failed, or what `process` returned.

The source is the project's own code, run here in a web process: no error of it may cost the file.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from headway import runs
from headway.models import ItemState, Run
from headway.operations.outcomes import Unreadable
from headway.operations.sources import Source
from headway.operations.sources.csv_file import CsvSource
from headway.operations.sources.file_source import Row
from headway.operations.sources.xlsx_file import XlsxSource
from headway.runner.loading import load, source_of

log = logging.getLogger(__name__)
SAMPLE = 100  # results, whose names become columns
ITEM = "item"  # the column of what has no columns of its own
GONE = "The item itself can't be had from its source any more."


class Line(NamedTuple):
    """One outcome: the item's own columns (or what it is, under "item"), and what is told of it (its key first)."""

    item: dict[str, Any]
    told: dict[str, Any]


class Originals:
    """A run's items, by their keys. `columns`: their names, where all items have the same; else empty."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.columns: list[str] = []
        self.source: Source[Any] | None = None
        try:
            self.source = source_of(load(run, say=lambda text: None), run)
            self.columns = columns_of(self.source)
        except Exception:  # noqa: BLE001  (the project's code; the file may be deleted, the operation gone)
            self.log_unreadable()

    def lines_of(self, outcomes: Sequence[dict[str, Any]]) -> list[Line]:
        """These outcomes, each with its item, where that can be had without going through all."""
        if self.source is not None and self.source.searches:
            return [Line({}, told) for told in outcomes]
        found = self.fetch([told["key"] for told in outcomes])
        return [Line(found[told["key"]], told) if told["key"] in found else without_item(told) for told in outcomes]

    def fetch(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The columns of each item that the source still has; none of one that was never readable."""
        if self.source is None:
            return {}
        try:
            return {key: plain(item, self.source) for key, item in self.source.fetch(keys)}
        except Exception:  # noqa: BLE001  (as above)
            self.log_unreadable()
            return {}

    def log_unreadable(self) -> None:
        log.warning("run=%s event=source-not-readable", self.run.pk, exc_info=True)


def without_item(told: dict[str, Any]) -> Line:
    """The line of an item that its source hasn't any more; where a sentence is told, it says so."""
    return Line({}, told | {"text": f"{told['text']} {GONE}".lstrip()} if "text" in told else told)


def columns_of(source: Source[Any]) -> list[str]:
    if isinstance(source, XlsxSource):
        with source.table(None) as table:
            return [*table.columns.values()]
    if not isinstance(source, CsvSource):
        return []
    with source.text() as text:
        return list(source.records(text).header)


def plain(item: Any, source: Source[Any]) -> dict[str, Any]:
    """The item as columns. A model's row is told by its label: its columns may be private."""
    if isinstance(item, Row):
        return item
    if isinstance(item, Unreadable):
        return {}
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    return {ITEM: item if isinstance(item, str | int | float) else source.label(item)}


@dataclass(frozen=True)
class Kind:
    """Which outcomes, and which of their fields."""

    state: ItemState
    fields: tuple[str, ...]

    def columns(self, run: Run) -> list[str]:
        """What stands in a CSV file behind the item's own columns."""
        return list(self.fields)

    def cells(self, told: dict[str, Any], columns: list[str]) -> list[Any]:
        """The fields of one outcome in these columns."""
        return list(told.values())


class Results(Kind):
    """A value that is an object has its members in columns, as far as the run's first results have them too.

    The last column has all other values, and what an object has beside.
    """

    def columns(self, run: Run) -> list[str]:
        sample = list(runs.outcomes(run, self.state).values_list("value", flat=True)[:SAMPLE])
        # By the alphabet, since PostgreSQL forgets in which order they were.
        names = sorted({name for value in sample if isinstance(value, dict) for name in value})
        return ["key", *names, "value"]

    def cells(self, told: dict[str, Any], columns: list[str]) -> list[Any]:
        value, names = told["value"], columns[1:-1]
        if not isinstance(value, dict):
            return [told["key"], *[None] * len(names), value]
        rest = {name: member for name, member in value.items() if name not in names}
        return [told["key"], *map(value.get, names), rest or None]


FAILURES = Kind(ItemState.FAILED, ("key", "code", "text"))
FAILURES_FOR_STAFF = Kind(ItemState.FAILED, ("key", "code", "text", "detail"))
RESULTS = Results(ItemState.SUCCEEDED, ("key", "value"))
