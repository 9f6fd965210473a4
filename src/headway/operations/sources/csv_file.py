"""The rows of a CSV file, each under the names in the header; one that can't be read costs no other."""

import csv
from collections.abc import Iterator

from headway.csv_rows import fitted, named, separator
from headway.errors import Explained
from headway.operations.outcomes import Unreadable

from .csv_parser import CsvParser, long_fields
from .file_source import FileSource, Place, Records, Row, unreadable
from .opening import Openable
from .protocol import Entry, Json
from .text import Flaw, Text


class HeaderError(Explained, ValueError):
    """The first line of the file doesn't name the columns; the sentence says why."""


class CsvSource(FileSource[str]):
    """The rows of a CSV file, each a dictionary by the names in its first line.

    `encoding`: of a file without a byte order mark; otherwise UTF-8. `delimiter`: of a file without Excel's line
    `sep=;`. Rows without anything to read are skipped, blank lines and lines of delimiters alike. Empty cells beyond
    the last column that has a name are dropped; empty cells at the end of a row may be missing, if more than half of
    its cells are there.

    A row that can't be read is an `Unreadable` with the code "too-many-fields", "too-few-fields", "nul-character",
    "undecodable" or "malformed"; behind a malformed one, reading goes on at the line after the one where it started, so
    that a quotation mark that is never closed costs one row. Over several lines, too many fields are malformed too; so
    is a row of more than 1 MiB. Everything but `label` raises HeaderError.
    """

    def __init__(self, file: Openable, encoding: str | None = None, delimiter: str = ",") -> None:
        super().__init__(file, encoding)
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
            raise ValueError(f"The delimiter is {delimiter!r}; it must be one character, such as ';' or '\\t'.")
        self.delimiter = delimiter

    def records(self, text: Text, bounds: Json = None) -> "Rows":
        return Rows(text, self.delimiter)


class Rows(Records[str]):
    """The rows of one open text, below its header."""

    def __init__(self, text: Text, delimiter: str) -> None:
        self.text = text
        self.delimiter, start = self.read_separator(delimiter)
        self.header, self.first_row = self.read_header(start)

    @property
    def first(self) -> Place:
        return self.first_row

    def entries(self, place: Place) -> Iterator[Entry[Row[str] | Unreadable]]:
        while True:
            parser = self.parser(place)
            try:
                for fields in parser.records():
                    yield [parser.end, parser.lines], str(parser.start), self.item(fields, parser)
                return
            except csv.Error as error:
                found, place = self.refused(parser, error)
                yield from found

    def refused(self, parser: CsvParser, error: csv.Error) -> tuple[list[Entry[Row[str] | Unreadable]], Place]:
        """The row that the standard parser refuses, if it is one, and where to go on behind it."""
        if parser.end - parser.start > csv.field_size_limit():
            parser = self.parser((parser.start, parser.first_line - 1))
            try:
                with long_fields():
                    fields = next(parser.records(), [])
            except csv.Error as why:
                error = why
            else:
                place = parser.end, parser.lines
                return [([*place], str(parser.start), self.item(fields, parser))] if fields else [], place
        behind = parser.behind_first_line()
        return [([*behind], str(parser.start), unreadable(malformed(error), parser.first_line))], behind

    def item(self, fields: list[str], parser: CsvParser) -> Row[str] | Unreadable:
        if parser.flaw:
            return unreadable(parser.flaw, parser.first_line)
        cells = fields if len(fields) == len(self.header) else fitted(fields, len(self.header))
        if cells is None:
            return unreadable(wrong_length(len(fields), len(self.header)), parser.first_line)
        row = Row(zip(self.header, cells, strict=True))
        row.line = parser.first_line
        return row

    def count(self) -> int:
        count, place = 0, self.first
        while True:
            parser = self.parser(place)
            try:
                return count + parser.count()
            except csv.Error as error:
                # From here on it is one row, or none, as it is when it is read.
                found, place = self.refused(parser, error)
                count += parser.passed + len(found)

    def parser(self, place: Place) -> CsvParser:
        return CsvParser(self.text, place, self.delimiter, len(self.header))

    def read_separator(self, declared: str) -> tuple[str, Place]:
        """The delimiter, and the place behind Excel's line that names it, if there is one."""
        for end, line, _ in self.text.lines(self.text.start):
            if found := separator(line):
                return found, (end, 1)
            break
        return declared, (self.text.start, 0)

    def read_header(self, start: Place) -> tuple[list[str], Place]:
        parser = CsvParser(self.text, start, self.delimiter)
        try:
            columns = next(parser.records(), [])
        except csv.Error as error:
            raise HeaderError(f"The header is not readable. {malformed(error).text}") from error
        if not columns:
            raise HeaderError("The file is empty; its first line should name the columns.")
        if parser.flaw:
            raise HeaderError(f"The header is not readable. {parser.flaw.text}")
        names = named(columns)
        for number, name in enumerate(names, start=1):
            if not name.strip():
                raise HeaderError(f"Column {number} of {len(columns)} has no name in the header.")
            if names.index(name) != number - 1:
                raise HeaderError(f"The header has the column {name!r} twice; each name may be there once.")
        return names, (parser.end, parser.lines)


def malformed(error: csv.Error) -> Flaw:
    what = str(error).partition(" - ")[0]  # some go on with advice for programmers
    return Flaw("malformed", f"The row is not well-formed CSV: {what}. Is each quotation mark closed, or doubled?")


def wrong_length(found: int, expected: int) -> Flaw:
    code, inside = ("too-many-fields", "delimiter") if found > expected else ("too-few-fields", "line end")
    fields = f"{found:,} field{'s' * (found > 1)}"
    return Flaw(code, f"The row has {fields}; the header has {expected:,}. Is a cell with a {inside} in it quoted?")
