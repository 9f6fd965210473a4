"""The items behind the outcomes: what the run's source still has of them, as plain values.

The source is the project's own code, run here in a web process: whatever it raises must not cost the failures.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from headway.models import Run
from headway.operations.outcomes import Unreadable
from headway.operations.sources import Source
from headway.operations.sources.csv_file import CsvSource
from headway.operations.sources.file_source import Row
from headway.runner.loading import load, source_of

__all__ = ["ITEM", "NOT_FOUND", "Originals"]

log = logging.getLogger(__name__)
ITEM = "item"  # the column of what has no columns of its own
NOT_FOUND: Any = object()


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
            self.tell_unreadable()

    def fetch(self, keys: Sequence[str]) -> dict[str, Any]:
        """A dictionary of columns or a single value for each key; None for an item that was never readable.

        Keys that the source doesn't have any more are left out.
        """
        if self.source is None:
            return {}
        try:
            return {key: plain(item, self.source) for key, item in self.source.fetch(keys)}
        except Exception:  # noqa: BLE001  (as above)
            self.tell_unreadable()
            return {}

    def tell_unreadable(self) -> None:
        log.warning("run=%s event=source-not-readable", self.run.pk, exc_info=True)


def columns_of(source: Source[Any]) -> list[str]:
    if not isinstance(source, CsvSource):
        return []
    with source.text() as text:
        return list(source.records(text).header)


def plain(item: Any, source: Source[Any]) -> Any:
    """The item as columns or one value. A model's row is told by its label: its columns may be nobody's business."""
    if isinstance(item, Unreadable):
        return None
    if isinstance(item, Row):
        return item
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    return item if isinstance(item, str | int | float) else source.label(item)
