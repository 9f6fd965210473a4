"""Form fields for the files that a run will read: what is wrong with a file as a whole is said before anything starts.

They look at the first 64 KiB. A row further down that can't be read later fails by itself.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from headway.csv_rows import is_blank, named, separator
from headway.encoding import check_encoding, encoding_of
from headway.workbooks import MissingText, Table, Workbook, WorkbookError

__all__ = ["CsvFileField", "NdjsonFileField", "XlsxFileField"]

SNIFFED = 1 << 16  # bytes
BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")  # images, PDF, archives
WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods and any ZIP; .xls
DELIMITERS = {",": ",", ";": ";", "\t": _("tab"), "|": "|"}


class DataFileField(forms.FileField):
    """An uploaded file. `max_size`: in bytes. Its position is at its start afterwards."""

    accept: str
    default_error_messages = {
        "too-big": _("The file has %(size)s; at most %(limit)s are allowed."),
        "duplicate-column": _("The first line has the column “%(column)s” twice."),
        "missing-columns": _("Columns are missing: %(missing)s. Found: %(found)s."),
    }

    def __init__(self, *, max_size: int | None = None, **kwargs: Any) -> None:
        self.max_size = max_size
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, forms.FileInput) and "accept" not in widget.attrs:
            attrs["accept"] = self.accept
        return attrs

    def to_python(self, data: Any) -> Any:
        file = super().to_python(data)
        if file is None:
            return None
        if self.max_size is not None and (file.size or 0) > self.max_size:
            raise self.error("too-big", size=filesizeformat(file.size), limit=filesizeformat(self.max_size))
        file.seek(0)
        try:
            self.check(file)
        finally:
            file.seek(0)
        return file

    def check(self, file: Any) -> None:
        """Raises ValidationError for what can't be read."""

    def error(self, code: str, **params: Any) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code, params=params)

    def check_columns(self, needed: Sequence[str], found: Sequence[str]) -> None:
        """Raises ValidationError where some of those that are needed aren't there."""
        missing = [column for column in needed if column not in found]
        if missing:
            raise self.error("missing-columns", missing=", ".join(missing), found=", ".join(found))


class TextFileField(DataFileField):
    """An uploaded text file. `encoding`: of one without a byte order mark; else UTF-8. `max_size`: in bytes.

    The file's position is at its start afterwards.
    """

    accept = "text/plain"
    default_error_messages = {
        "workbook": _("This is a spreadsheet or a ZIP archive, not text. Open it and save it as CSV in UTF-8."),
        "binary": _("This is not a text file."),
        "nul-character": _(
            "The file has NUL characters: it is no text, or its encoding isn't marked. Save it as UTF-8."
        ),
        "undecodable": _("The file is not %(encoding)s (byte 0x%(byte)s on line %(line)d). Save it as %(encoding)s."),
        "bare-cr": _("The lines end in carriage returns alone. Save the file with the line ends of Windows or Unix."),
    }

    def __init__(self, *, encoding: str | None = None, **kwargs: Any) -> None:
        self.encoding = check_encoding(encoding)
        super().__init__(**kwargs)

    def check(self, file: Any) -> None:
        head = file.read(SNIFFED)
        self.check_text(self.decoded(head, whole := not file.read(1)), whole)

    def decoded(self, head: bytes, whole: bool) -> str:
        """The text at the beginning of the file; a character that is cut by the end of `head` is left out."""
        encoding = encoding_of(head, self.encoding)
        if head.startswith(WORKBOOK):
            raise self.error("workbook")
        if head.startswith(BINARY):
            raise self.error("binary")
        content = head[encoding.mark :]
        if "\0" in content.decode(encoding.name, "replace"):
            raise self.error("nul-character")
        decoder = codecs.getincrementaldecoder(encoding.name)()
        try:
            text = decoder.decode(content, final=whole)
        except UnicodeDecodeError as error:
            line = content[: error.start].decode(encoding.name, "replace").count("\n") + 1
            byte = f"{content[error.start]:02X}"
            raise self.error("undecodable", encoding=str(encoding), byte=byte, line=line) from error
        if not text.strip():
            raise self.error("empty")
        if "\n" not in text and "\r" in text[:-1]:
            raise self.error("bare-cr")
        return text

    def check_text(self, text: str, whole: bool) -> None:
        """Raises ValidationError for what can't be read. `text` is the file's beginning, or the whole of it."""


class CsvFileField(TextFileField):
    """An uploaded CSV file whose first line names its columns. `columns`: those that must be there."""

    accept = ".csv,text/csv"
    default_error_messages = {
        "malformed": _("The first line is not well-formed CSV. Is each quotation mark closed, or doubled?"),
        "header-too-long": _("No line ends within the first %(limit)s, so this is not a CSV file with a header."),
        "delimiter": _("Only one column was found, separated by “%(delimiter)s”. Is the delimiter “%(guess)s”?"),
        "one-column": _("Only one column was found, separated by “%(delimiter)s”. Needed: %(columns)s."),
        "unnamed-column": _("Column %(number)d has no name in the first line."),
    }

    def __init__(self, *, columns: Iterable[str] = (), delimiter: str = ",", **kwargs: Any) -> None:
        self.columns, self.delimiter = names_of(columns), delimiter
        super().__init__(**kwargs)

    def check_text(self, text: str, whole: bool) -> None:
        # Only a line feed ends a line here, as in the source that reads it later.
        lines = io.StringIO(text, newline="\n")
        delimiter = separator(lines.readline())
        if delimiter is None:
            lines.seek(0)
        names = self.header(lines, delimiter or self.delimiter, whole)
        if len(names) == 1 < len(self.columns):
            raise self.one_column(names[0], delimiter or self.delimiter)
        for number, name in enumerate(names, start=1):
            if not name.strip():
                raise self.error("unnamed-column", number=number)
            if names.index(name) != number - 1:
                raise self.error("duplicate-column", column=name)
        self.check_columns(self.columns, names)

    def header(self, lines: io.StringIO, delimiter: str, whole: bool) -> list[str]:
        """The names of the columns, from where `lines` stand."""
        try:
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            names = next(row for row in rows if not is_blank(row))
        except csv.Error as error:
            raise self.error("malformed") from error
        except StopIteration:
            raise self.error("empty") from None
        if not whole and not lines.getvalue()[: lines.tell()].endswith("\n"):
            raise self.error("header-too-long", limit=filesizeformat(SNIFFED))
        return named(names)

    def one_column(self, name: str, delimiter: str) -> ValidationError:
        guess = max(DELIMITERS, key=name.count)
        shown = DELIMITERS.get(delimiter, delimiter)
        if guess in name and guess != delimiter:
            return self.error("delimiter", delimiter=shown, guess=DELIMITERS[guess])
        return self.error("one-column", delimiter=shown, columns=", ".join(self.columns))


class NdjsonFileField(TextFileField):
    """An uploaded NDJSON file: one JSON object per line."""

    accept = ".ndjson,.jsonl,application/x-ndjson"
    default_error_messages = {
        "not-an-object": _("Line %(line)d is not a JSON object. Each line must be one, such as {“name”: “value”}."),
    }

    def check_text(self, text: str, whole: bool) -> None:
        lines = text.split("\n")
        number, line = next((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        if number == len(lines) and not whole:
            return  # its end lies behind what was read
        try:
            fits = isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            raise self.error("not-an-object", line=number)


class XlsxFileField(DataFileField):
    """An uploaded Excel workbook whose first row names its columns. `columns`: those that must be there. `sheet`: the
    sheet's name; otherwise the first one that isn't hidden.
    """

    accept = ".xlsx,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    default_error_messages = {
        "damaged": _("The workbook is damaged. Open it in Excel, save it, and try again."),
        "duplicate-column": _("The first row has a column's name twice; each name may be there once."),
        "empty": _("The sheet is empty. Its first row should name the columns."),
        "header": _("The first row can't be read. It should name the columns, and hold no formula without a result."),
        "missing-sheet": _("The workbook has no sheet “%(sheet)s”."),
        "no-sheet": _("The workbook has no sheet with rows."),
        "no-workbook": _("This is no Excel workbook (.xlsx), or only a part of one."),
        "ods": _("This is an OpenDocument file (.ods). Save it as an Excel workbook (.xlsx)."),
        "password": _("The workbook is protected by a password. Save it without one."),
        "xls": _("This is an old workbook (.xls), or one with a password. Save it as .xlsx, without a password."),
        "too-much-text": _("The workbook has more than a gigabyte of text. Save it as CSV."),
        "xlsb": _("This is a binary workbook (.xlsb). Save it as an Excel workbook (.xlsx)."),
    }

    def __init__(self, *, columns: Iterable[str] = (), sheet: str | None = None, **kwargs: Any) -> None:
        self.columns, self.sheet = names_of(columns), sheet
        super().__init__(**kwargs)

    def check(self, file: Any) -> None:
        try:
            columns = self.header(Workbook(file))
        except WorkbookError as error:
            raise self.error(error.code, sheet=self.sheet) from error
        self.check_columns(self.columns, columns)

    def header(self, book: Workbook) -> list[str]:
        """The names of the columns. Raises WorkbookError."""
        sheet = book.sheet(self.sheet)
        try:
            table = Table(book, sheet, book.strings(most=SNIFFED))
        except MissingText:  # most headers are among the first texts
            table = Table(book, sheet, book.strings())
        return [*table.columns.values()]


def names_of(columns: Iterable[str]) -> tuple[str, ...]:
    """The names of columns. Raises TypeError for a single one that stands in no list."""
    if isinstance(columns, str):
        raise TypeError(f"columns is the string {columns!r}; it must be a list of names, such as [{columns!r}].")
    return tuple(columns)
