"""A download on its way: short enough for a proxy that cuts, however slow the source is.

`Link` stands in the header, so how many rows it has is settled before the first of them is sent: by the pace of those
that are read until then.
"""

import time
from collections.abc import Iterator
from typing import Any

from headway import runs
from headway.models import Run

from .formats import Format, Header
from .kinds import Kind
from .limits import Share
from .originals import Originals

LARGEST = 100_000  # rows
LONGEST = 20.0  # s of work at the pace of its beginning; eight at once take 20 + 20/2 + … + 20/8 = 54 s together
HEAVIEST = 50_000_000  # bytes: what 20 Mbit/s carry in that time
FIRST_PAGE = 10  # rows, before anything is known of how long one takes
PAGE_SECONDS, MOST_ROWS = 0.5, 2_000  # of a page; beyond so many, a query costs no less per row
PAGE_WEIGHT = 1_000_000  # bytes, more or less: a cell may have a megabyte
TRIAL = 3  # pages: one opens the source, one comes to size, one shows the pace
NO_END = 2**63 - 1  # above every id


class File:
    """The outcomes of a run behind the id `after`. `more`: not all of them, the next ones come behind `last`.

    Raises Throttled.
    """

    def __init__(self, run: Run, kind: Kind, file_format: Format, after: int, user_key: Any) -> None:
        self.run, self.kind, self.file_format, self.place = run, kind, file_format, after
        self.last, self.limit = NO_END, FIRST_PAGE
        self.rows, self.pace, self.weight = 0, 0.0, 0.0  # read so far; seconds and bytes a row of the last page
        self.share = Share(user_key)
        with self.share.reading:
            self.originals = Originals(run)
            self.header = Header(self.originals.columns, kind.columns(run), kind)
        self.begun = [file_format.header(self.header), *(self.page() for _ in range(TRIAL))]
        self.last, self.more = self.end_of(after, self.bearable())

    def bearable(self) -> int:
        """How many rows it may have: those that are read, at least. Several downloads of one user share the time."""
        by_time = LONGEST / self.share.of() / max(self.pace, 1e-9)
        return max(self.rows, int(min(LARGEST, by_time, HEAVIEST / max(self.weight, 1e-9))), 1)

    def end_of(self, after: int, rows: int) -> tuple[int, bool]:
        """The id of the last one of so many rows, and whether there are more."""
        ids = runs.outcomes(self.run, self.kind.state, after=after).values_list("id", flat=True)
        edge = list(ids[rows - 1 : rows + 1])
        return (edge[0], True) if len(edge) == 2 else (ids.last() or after, False)

    def __iter__(self) -> Iterator[bytes]:
        """It, piece by piece; once."""
        yield from filter(None, self.begun)
        self.begun.clear()
        while block := self.page():
            yield block
        self.close()

    def close(self) -> None:
        """Django calls it when it has been sent, and when its client has left."""
        self.share.leave()

    def page(self) -> bytes:
        """The next rows, as they are written; nothing when there are no more."""
        with self.share.reading:
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
