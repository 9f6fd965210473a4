"""A workbook in an open file: its sheets, and what its cells need to be understood."""

import posixpath
from typing import IO, BinaryIO, NamedTuple, TypeVar
from zipfile import BadZipFile, ZipFile

from .strings import MissingText, Strings
from .values import Cell, CellError, Kind, Value, kind_of, value_of
from .xml import Target, WorkbookError, damaged, parse, plain

T = TypeVar("T", bound=Target)

MOST_AROUND = 1 << 26  # bytes of what isn't rows or texts
OLE = b"\xd0\xcf\x11\xe0"  # .xls, and what is protected by a password
OTHERS = {
    "mimetype": ("ods", "This is an OpenDocument file (.ods). Save it as an Excel workbook (.xlsx)."),
    "xl/workbook.bin": ("xlsb", "This is a binary workbook (.xlsb). Save it as an Excel workbook (.xlsx)."),
}


class Part(NamedTuple):
    """A file of the archive, and what it is to the one that refers to it."""

    kind: str
    path: str


class Sheet(NamedTuple):
    """A sheet, by its name and where in the ZIP archive it lies."""

    name: str
    part: str


class Workbook:
    """The workbook in an open file, which must stay open. Raises WorkbookError for what can't be read as one."""

    def __init__(self, file: BinaryIO) -> None:
        self.zip = opened(file)
        self.names = set(self.zip.namelist())
        main = self.main_part()
        found = self.read(main, SheetList())
        self.is_1904 = found.is_1904
        self.related = self.relations(main)
        named = [(name, self.related.get(relation)) for name, relation in found.sheets]
        self.sheets = [Sheet(name, part.path) for name, part in named if part and part.kind == "worksheet"]
        if not self.sheets:
            raise WorkbookError("no-sheet", "The workbook has no sheet with rows.")
        self.strings_part, styles = self.part("sharedStrings"), self.part("styles")
        self.kinds = self.read(styles, Styles()).kinds if styles else []

    def sheet(self, name: str | None) -> Sheet:
        """The sheet of this name, or the first one. Raises WorkbookError, which says which there are."""
        for sheet in self.sheets:
            if name is None or sheet.name == name:
                return sheet
        names = ", ".join(f"“{sheet.name}”" for sheet in self.sheets)
        raise WorkbookError("missing-sheet", f"The workbook has no sheet “{name}”. Its sheets: {names}.")

    def fingerprint(self, sheet: Sheet) -> list[int]:
        """What tells the sheet's content from any other: the archive's own checksums."""
        parts = (sheet.part, self.strings_part, self.part("styles"))
        return [number for part in parts for number in self.checksum(part)]

    def strings(self, most: int | None = None) -> Strings:
        """The shared texts; of a big workbook those in the first `most` bytes at least."""
        return Strings(self.open(self.strings_part), most) if self.strings_part else Strings()

    def value(self, cell: Cell, strings: Strings) -> Value:
        """What the cell holds. Raises CellError, and MissingText."""
        try:
            return value_of(cell, self.kinds, strings, self.is_1904)
        except (CellError, MissingText):
            raise
        except (ValueError, OverflowError) as error:
            raise CellError("malformed", f"Cell {cell.name} can't be read: {cell.text[:40]!r}.") from error

    def main_part(self) -> str:
        for name, (code, text) in OTHERS.items():
            if name in self.names:
                raise WorkbookError(code, text)
        for part in self.relations("").values():
            if part.kind == "officeDocument" and posixpath.basename(part.path).startswith("workbook"):
                return part.path
        raise WorkbookError("no-workbook", "This ZIP archive is no Excel workbook. Save the table as .xlsx.")

    def part(self, kind: str) -> str:
        """Where the workbook's part of this kind lies; nothing where it has none."""
        return next((part.path for part in self.related.values() if part.kind == kind), "")

    def relations(self, part: str) -> "dict[str, Part]":
        """Which parts a part, or the archive itself, refers to, by their ids."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self.names:
            return {}
        found = self.read(path, Relations()).parts
        placed = {key: Part(kind, absolute(folder, target)) for key, (kind, target) in found.items()}
        return {key: part for key, part in placed.items() if part.path in self.names}

    def read(self, part: str, target: T) -> T:
        if self.zip.getinfo(part).file_size > MOST_AROUND:
            raise damaged(f"its {part} is too large")
        for _ in parse(self.open(part), target):
            pass
        return target

    def open(self, part: str) -> IO[bytes]:
        try:
            return self.zip.open(part)
        except (BadZipFile, NotImplementedError) as error:
            raise damaged("it can't be unpacked") from error
        except RuntimeError as error:  # which zipfile raises for an encrypted entry
            raise WorkbookError("password", "The workbook is protected by a password. Save it without one.") from error

    def checksum(self, part: str) -> tuple[int, ...]:
        entry = self.zip.getinfo(part) if part else None
        return (entry.CRC, entry.file_size) if entry else ()


def opened(file: BinaryIO) -> ZipFile:
    try:
        return ZipFile(file)
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError):
            raise
        file.seek(0)
        if file.read(4) == OLE:
            raise WorkbookError(
                "xls", "This is an old workbook (.xls), or one with a password. Save it as .xlsx, without a password."
            ) from error
        raise WorkbookError("no-workbook", "This is no Excel workbook (.xlsx), or only a part of one.") from error


def absolute(folder: str, target: str) -> str:
    """Where in the archive a target lies that is named in this folder."""
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


class Relations(Target):
    """Parts by id."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if plain(name) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = posixpath.basename(attributes.get("Type", ""))
            self.parts[attributes.get("Id", "")] = Part(kind, attributes.get("Target", ""))


class SheetList(Target):
    """The sheets in the workbook's order, with the ids of their relations, those that people see first."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.hidden: list[tuple[str, str]] = []
        self.is_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = plain(name)
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if plain(key) == "id" and ":" in key), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            (self.hidden if is_hidden else self.sheets).append((attributes.get("name", ""), relation))
        elif name == "workbookPr":
            self.is_1904 = attributes.get("date1904", "0") in ("1", "true")

    def end(self, name: str) -> None:
        if plain(name) == "sheets":
            self.sheets += self.hidden


class Styles(Target):
    """What the numbers in cells of each style stand for."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.kinds: list[Kind] = []
        self.is_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = plain(name)
        if name == "numFmt":
            self.codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self.is_cells = True
        elif name == "xf" and self.is_cells:
            number = attributes.get("numFmtId", "0")
            self.kinds.append(kind_of(int(number) if number.isdecimal() else 0, self.codes.get(number)))

    def end(self, name: str) -> None:
        if plain(name) == "cellXfs":
            self.is_cells = False
