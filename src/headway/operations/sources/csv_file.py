"""The rows of a CSV file, each under the names in the header; one that can't be read costs no other."""

import csv
from collections.abc import Generator, Iterator

from headway.operations.outcomes import Unreadable

from .csv_parser import CsvParser
from .file_source import FileSource, Place, Records, Row, line_label
from .files import Openable
from .protocol import Entry, Json
from .text import Flaw, Text

__all__ = ["CsvSource", "HeaderError"]


class HeaderError(ValueError):
    """The first line of the file doesn't name the columns; the sentence says why."""


class CsvSource(FileSource[str]):
    """The rows of a CSV file, each a dictionary by the names in its first line.

    `encoding`: otherwise the byte order mark's, otherwise UTF-8. Blank lines are skipped. A row that can't be read is
    an `Unreadable` with the code "too-many-fields", "too-few-fields", "nul-character", "undecodable" or "malformed";
    behind a malformed one, reading goes on at the line after the one where it started, so that a quotation mark
    that is never closed costs one row. Over several lines, too many fields are malformed too. Everything but `label`
    raises HeaderError.
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
        self.text, self.delimiter = text, delimiter
        self.header, self.first_row = self.read_header()

    @property
    def first(self) -> Place:
        return self.first_row

    def entries(self, place: Place | None) -> Iterator[Entry[Row[str] | Unreadable]]:
        while place is not None:
            place = yield from self.until_malformed(place)

    def until_malformed(self, place: Place) -> Generator[Entry[Row[str] | Unreadable], None, Place | None]:
        """Gives the rows up to a malformed one, that included, and returns where to go on behind it."""
        parser = self.parser(place)
        try:
            for fields in parser.records():
                yield [parser.end, parser.lines], str(parser.start), self.item(fields, parser)
        except csv.Error as error:
            behind = parser.behind_first_line()
            yield [*behind], str(parser.start), unreadable(malformed(error), parser.first_line)
            return behind
        return None

    def item(self, fields: list[str], parser: CsvParser) -> Row[str] | Unreadable:
        if parser.flaw:
            return unreadable(parser.flaw, parser.first_line)
        if len(fields) != len(self.header):
            return unreadable(wrong_length(len(fields), len(self.header)), parser.first_line)
        row = Row(zip(self.header, fields, strict=True))
        row.line = parser.first_line
        return row

    def count(self) -> int:
        count, place = 0, self.first
        while True:
            parser = self.parser(place)
            try:
                return count + parser.count()
            except csv.Error:
                count += parser.passed + 1
                place = parser.behind_first_line()

    def parser(self, place: Place) -> CsvParser:
        return CsvParser(self.text, place, self.delimiter, len(self.header))

    def read_header(self) -> tuple[list[str], Place]:
        parser = CsvParser(self.text, (self.text.start, 0), self.delimiter)
        try:
            names = next(parser.records(), [])
        except csv.Error as error:
            raise HeaderError(f"The header is not readable. {malformed(error).text}") from error
        if not names:
            raise HeaderError("The file is empty; its first line should name the columns.")
        if parser.flaw:
            raise HeaderError(f"The header is not readable. {parser.flaw.text}")
        for number, name in enumerate(names, start=1):
            if not name.strip():
                raise HeaderError(f"Column {number} of {len(names)} has no name in the header.")
            if names.index(name) != number - 1:
                raise HeaderError(f"The header has the column {name!r} twice; each name may be there once.")
        return names, (parser.end, parser.lines)


def malformed(error: csv.Error) -> Flaw:
    what = str(error).partition(" - ")[0]  # some go on with advice for programmers
    return Flaw("malformed", f"The row is not well-formed CSV: {what}. Is each quotation mark closed, or doubled?")


def wrong_length(found: int, expected: int) -> Flaw:
    code = "too-many-fields" if found > expected else "too-few-fields"
    return Flaw(code, f"The row has {found:,} field{'s' * (found > 1)}; the header has {expected:,}.")


def unreadable(flaw: Flaw, line: int) -> Unreadable:
    return Unreadable(flaw.code, flaw.text, line_label(line))
