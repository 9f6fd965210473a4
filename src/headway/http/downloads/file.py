"""Files on their way: a run's outcomes, few enough for a proxy that cuts, however slow the source is; and what its
items have written, in one piece.

`Link` stands in the header, so how many rows it has is settled before the first of them is sent: by the pace of those
that are read until then.
"""

import json
import time
from typing import Any

from headway import runs
from headway.models import Run
from headway.store.parts.output import read_blocks

from .formats import Format, Header, csv_of
from .limits import UnderWay
from .originals import Kind, Originals

LARGEST = 100_000  # rows
LONGEST = 20.0  # s of work at the pace of its beginning; eight at once take 20 + 20/2 + … + 20/8 = 54 s together
HEAVIEST = 50_000_000  # bytes: what 20 Mbit/s carry in that time
FIRST_PAGE = 10  # rows, before anything is known of how long one takes
PAGE_SECONDS, MOST_ROWS = 0.5, 2_000  # of a page; beyond so many, a query costs no less per row
PAGE_WEIGHT = 1_000_000  # bytes, more or less: a cell may have a megabyte
TRIAL = 3  # pages: one opens the source, one comes to size, one shows the pace
NO_END = 2**63 - 1  # above every id


class File(UnderWay):
    """The outcomes of a run behind the id `after`. `more`: not all of them, the next ones come behind `last`.

    Raises Throttled.
    """

    def __init__(self, run: Run, kind: Kind, file_format: Format, after: int, user_key: Any) -> None:
        super().__init__(user_key)
        self.run, self.kind, self.file_format, self.place = run, kind, file_format, after
        self.last, self.limit = NO_END, FIRST_PAGE
        self.rows, self.pace, self.weight = 0, 0.0, 0.0  # read so far; seconds and bytes a row of the last page
        with self.reading:
            self.originals = Originals(run)
            self.header = Header(self.originals.columns, kind.columns(run), kind)
        self.begun = [file_format.header(self.header), *(self.page() for _ in range(TRIAL))]
        self.last, self.more = self.end_of(after, self.bearable())

    def bearable(self) -> int:
        """How many rows it may have: those that are read, at least. Several downloads of one user share the time."""
        by_time = LONGEST / self.of_user() / max(self.pace, 1e-9)
        return max(self.rows, int(min(LARGEST, by_time, HEAVIEST / max(self.weight, 1e-9))), 1)

    def end_of(self, after: int, rows: int) -> tuple[int, bool]:
        """The id of the last one of so many rows, and whether there are more."""
        ids = runs.outcomes(self.run, self.kind.state, after=after).values_list("id", flat=True)
        edge = list(ids[rows - 1 : rows + 1])
        return (edge[0], True) if len(edge) == 2 else (ids.last() or after, False)

    def page(self) -> bytes:
        with self.reading:
            began = time.monotonic()
            found = runs.outcomes(self.run, self.kind.state, after=self.place).filter(id__lte=self.last)
            rows = list(found.values_list("id", *self.kind.fields)[: self.limit])
            if not rows:
                return b""
            told = [dict(zip(self.kind.fields, fields, strict=True)) for _, *fields in rows]
            block = self.file_format.rows(self.originals.lines_of(told), self.header)
            seconds = time.monotonic() - began
        self.place, self.rows = rows[-1][0], self.rows + len(rows)
        self.pace, self.weight = seconds / len(rows), len(block) / len(rows)
        quick = int(PAGE_SECONDS / self.pace) if self.pace else MOST_ROWS
        self.limit = max(1, min(MOST_ROWS, quick, int(PAGE_WEIGHT / self.weight)))
        return block


class Blocks(UnderWay):
    """What a run's items have written, as it is stored: CSV with these columns, or NDJSON without. Raises Throttled."""

    def __init__(self, run: Run, columns: list[str] | None, user_key: Any) -> None:
        super().__init__(user_key)
        self.columns, self.blocks = columns, read_blocks(run.pk)
        self.begun = [] if columns is None else [csv_of([columns])]

    def page(self) -> bytes:
        with self.reading:
            rows = next(self.blocks, [])
            if self.columns is None:
                return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
            return csv_of(map(row.get, self.columns) for row in rows)
