"""XML as a stream; what no workbook has is refused: declarations of entities, and pieces that would fill the memory."""

import zlib
from collections.abc import Iterator
from typing import IO, Any
from xml.parsers import expat
from zipfile import BadZipFile

from headway.errors import Explained

BLOCK = 1 << 16  # bytes
LONGEST = 1 << 20  # characters of a cell, bytes of a tag; Excel itself stops at 32,767 characters


class WorkbookError(Explained, ValueError):
    """The file as a whole can't be read as a workbook; the sentence says why, and what to do. `code`: for programs."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Target:
    """What is told of a file's elements, by their names without prefixes; a subclass takes what it needs."""

    parser: Any

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """It ends."""

    def text(self, data: str) -> None:
        """A piece of text; one text may come in several."""


def parse(file: IO[bytes], target: Target, before: bytes = b"") -> Iterator[None]:
    """Tell the target of what is in the file, behind `before`, block by block. Raises WorkbookError."""
    target.parser = parser = expat.ParserCreate()
    parser.buffer_text, parser.buffer_size = True, BLOCK
    parser.StartElementHandler, parser.EndElementHandler = target.start, target.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = target.text, refuse
    fed = len(before)
    try:
        parser.Parse(before)
        while block := file.read(BLOCK):
            parser.Parse(block)
            fed += len(block)
            if fed - parser.CurrentByteIndex > LONGEST + BLOCK:
                raise damaged("it has a tag without end")
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise damaged(str(error)) from error
    except (BadZipFile, EOFError, zlib.error) as error:
        raise damaged("it can't be unpacked") from error
    yield


def plain(name: str) -> str:
    """The element's name without its prefix."""
    return name.rpartition(":")[2]


def damaged(why: str) -> WorkbookError:
    return WorkbookError("damaged", f"The workbook is damaged: {why}. Open it in Excel, save it, and try again.")


def refuse(*given: object) -> None:
    raise damaged("it declares a document type, which workbooks never do")
