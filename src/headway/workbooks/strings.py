"""The texts that a workbook's cells share: in a file, since there may be millions of them."""

import mmap
import re
from array import array
from tempfile import TemporaryFile
from typing import IO

from .xml import LONGEST, Target, WorkbookError, damaged, parse, plain

MOST = 1 << 30  # bytes
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class Strings:
    """The shared texts, by number."""

    def __init__(self, file: IO[bytes] | None = None, most: int | None = None) -> None:
        self.ends = array("Q", [0])
        self.content: mmap.mmap | bytes = b"" if file is None else self.copy(file, most)

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self.ends) - 1:
            raise MissingText(number)
        return self.content[self.ends[number] : self.ends[number + 1]].decode()

    def copy(self, file: IO[bytes], most: int | None) -> "mmap.mmap | bytes":
        items = Items()
        with TemporaryFile() as out:
            for _ in parse(file, items):
                self.add(out, items.texts)
                items.texts.clear()
                if most is not None and file.tell() > most:
                    break
            out.flush()
            return mmap.mmap(out.fileno(), 0, access=mmap.ACCESS_READ) if self.ends[-1] else b""

    def add(self, out: IO[bytes], texts: list[str]) -> None:
        end = self.ends[-1]
        for text in texts:
            content = text.encode(errors="replace")
            out.write(content)
            end += len(content)
            self.ends.append(end)
        if end > MOST:
            raise WorkbookError("too-much-text", "The workbook has more than a gigabyte of text. Save it as CSV.")


class MissingText(WorkbookError):
    """A cell has the number of a text that isn't there."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__("damaged", str(damaged(f"a cell has the text number {number}, which isn't there")))


class Items(Target):
    """The texts of a file of shared strings; how they sound (phonetic runs) is left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.pieces: list[str] = []
        self.takes = self.is_phonetic = False
        self.size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = plain(name)
        if name == "t":
            self.takes = not self.is_phonetic
        elif name == "rPh":
            self.is_phonetic = True

    def end(self, name: str) -> None:
        name = plain(name)
        if name == "t":
            self.takes = False
        elif name == "rPh":
            self.is_phonetic = False
        elif name == "si":
            self.texts.append(unescaped("".join(self.pieces)))
            self.pieces.clear()
            self.size = 0

    def text(self, data: str) -> None:
        if self.takes:
            self.pieces.append(data)
            self.size += len(data)
            if self.size > LONGEST:
                raise damaged(f"a text has more than {LONGEST:,} characters")


def unescaped(text: str) -> str:
    """The text with "_x000D_" as the character that it stands for."""
    return ESCAPED.sub(character, text) if "_x" in text else text


def character(found: "re.Match[str]") -> str:
    number = int(found[1], 16)
    return found[0] if number == 0 or 0xD800 <= number < 0xE000 else chr(number)
