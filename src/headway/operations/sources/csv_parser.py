"""The standard CSV parser, handed one line at a time. It never asks for one in advance, so the place after a record is
exact, quoted line ends included.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from headway.csv_rows import BLANK, is_blank

from .file_source import Place
from .text import LONGEST, Flaw, Text

TOO_LONG = f"longer than {LONGEST:,} bytes"  # a record must not fill the memory

raising = Lock()


class CsvParser:
    """The records from a place on. `width`: how many fields a record should have, if that is known.

    The record in hand starts at the offset `start` and on the line `first_line` (from 1), and `flaw` is the first thing
    wrong with one of its lines. `end` is the offset behind it, `lines` the number of lines up to there.
    """

    def __init__(self, text: Text, place: Place, delimiter: str, width: int = sys.maxsize) -> None:
        self.text, self.delimiter, self.width = text, delimiter, width
        self.end, self.lines = place
        self.passed = 0
        self.flaw: Flaw | None
        self.begin_record()

    def records(self) -> Iterator[list[str]]:
        """The fields of each record, of whatever number; one without anything to read is none. Raises csv.Error at a
        malformed one, and at one with a field that is longer than `csv.field_size_limit()`.
        """
        return self.parsed(self.handed(counting=False))

    def count(self) -> int:
        """How many records there are. Raises csv.Error as `records` does; `passed` is how many came before.

        Only lines with a quotation mark are parsed: any other is a record by itself.
        """
        for _ in self.parsed(self.handed(counting=True)):
            self.passed += 1
        return self.passed

    def behind_first_line(self) -> Place:
        """The end of the line on which the record in hand starts."""
        end, _, _ = next(self.text.lines(self.start))
        return end, self.first_line

    def parsed(self, lines: Iterator[str]) -> Iterator[list[str]]:
        for fields in csv.reader(lines, delimiter=self.delimiter, strict=True):
            if self.lines > self.first_line and not is_blank(fields[self.width :]):  # complete, over several lines
                self.check_width(len(fields))
            if fields and (fields[0].strip() or not is_blank(fields)):
                yield fields
            self.begin_record()

    def begin_record(self) -> None:
        self.start, self.first_line = self.end, self.lines + 1
        self.last: str | None = None
        self.fields = 1
        self.flaw = None

    def handed(self, *, counting: bool) -> Iterator[str]:
        """The lines for the standard parser. `counting`: those alone that may be more or less than a record; the others
        are counted as passed, and not numbered.
        """
        blank = BLANK + self.delimiter
        for end, text, flaw in self.text.lines(self.end):
            if self.last is not None:
                self.go_on(self.last)
            elif counting and '"' not in text:
                self.passed += 1 if flaw or text.rstrip("\r\n").lstrip(blank) else 0
                self.start = self.end = end
                continue
            self.last, self.end = text, end
            self.lines += 1
            self.flaw = self.flaw or flaw
            if end - self.start > LONGEST:
                raise csv.Error(TOO_LONG)
            yield text

    def go_on(self, line: str) -> None:
        """The record in hand doesn't end with this line of it.

        If it has too many fields by now, a quotation mark is probably not closed, and it is given up: otherwise each
        row of a file full of them would be sought to the file's end.
        """
        so_far = line if self.lines == self.first_line else '"' + line
        self.fields += len(next(csv.reader([so_far], delimiter=self.delimiter))) - 1
        self.check_width(self.fields)

    def check_width(self, fields: int) -> None:
        """For a record over several lines that has so many at least."""
        if fields > self.width:
            raise csv.Error(f"more than {self.width:,} fields, over several lines")


@contextmanager
def long_fields() -> Iterator[None]:
    """While it lasts, the standard parser takes fields as long as a record may be.

    Its limit belongs to the whole process, and so to the project: it is raised for one record at a time, and set back.
    """
    with raising:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, LONGEST))
        try:
            yield
        finally:
            csv.field_size_limit(before)
