"""The lines of a text file with their byte offsets, from any line on, in memory that doesn't grow with the file.

A line is what ends with a line feed; a carriage return before it belongs to its end, anywhere else to the text.
"""

import io
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, TypeAlias

from headway.encoding import encoding_of
from headway.errors import ChangedMeanwhile

FIRST, BLOCK = 1 << 11, 1 << 16  # bytes read at once: few at first, since a reader may want one line alone
LONGEST = 1 << 20  # bytes of a line; a file without line ends must not fill the memory


class Flaw(NamedTuple):
    """Why a line can't be used: a code for programs, a sentence for people."""

    code: str
    text: str


Line: TypeAlias = tuple[int, str, Flaw | None]
"""(the byte offset behind the line, its text with its end, what is wrong with it)"""

TOO_LONG = Flaw("malformed", f"The line is longer than {LONGEST:,} bytes.")
NUL = Flaw("nul-character", "The line has a NUL character, which text never has.")


class Text:
    """The text in an open binary file, up to the byte offset `stop` (None: as far as the file goes now).

    A file that ends before `stop` has been cut: then this, and whatever reads so far, raises ChangedMeanwhile.
    """

    def __init__(self, file: BinaryIO, declared: str | None, stop: int | None = None) -> None:
        size = file.seek(0, os.SEEK_END)
        self.stop = size if stop is None else stop
        if size < self.stop:
            raise cut(size, self.stop)
        file.seek(0)
        self.file = file
        self.encoding = encoding_of(file.read(4), declared)
        self.start = self.encoding.mark
        self.newline = self.encoding.newline

    def lines(self, offset: int) -> Iterator[Line]:
        """Every line from the one that starts at `offset`. One that can't be decoded has replacement characters in
        its text, one of more than LONGEST bytes has no text; both are flawed, and reading goes on behind them.
        """
        name = self.encoding.name
        for data, length in self.blocks(offset, self.stop):
            if not data:
                offset += length
                yield offset, "", TOO_LONG
                continue
            for raw in self.split(data):
                offset += len(raw)
                if len(raw) > LONGEST:
                    yield offset, "", TOO_LONG
                    continue
                try:
                    text = raw.decode(name)
                except UnicodeDecodeError as error:
                    yield offset, raw.decode(name, "replace"), self.undecodable(error)
                    continue
                yield offset, text, NUL if "\0" in text else None

    def lines_between(self, start: int, stop: int) -> int:
        """How many lines lie between two offsets at which lines start."""
        one_byte = len(self.newline) == 1
        if one_byte and stop - start <= BLOCK:  # what is sought in order is mostly near
            self.file.seek(start)
            return self.file.read(stop - start).count(b"\n")
        return sum(
            (data.count(b"\n") if one_byte else sum(1 for _ in self.split(data))) if data else 1
            for data, _ in self.blocks(start, stop)
        )

    def line_behind(self, offset: int) -> int:
        """Where the first line begins that begins behind `offset`; where the text stops, if none does."""
        offset -= (offset - self.start) % len(self.newline)
        for data, length in self.blocks(offset, self.stop):
            return offset + (self.behind_first(data) or length)
        return self.stop

    def blocks(self, offset: int, stop: int) -> Iterator[tuple[bytes, int]]:
        """(whole lines, their length), or (nothing, its length) for one line that is too long to be held."""
        rest, dropped, size = b"", 0, FIRST
        self.file.seek(offset)
        while block := self.file.read(max(0, min(size, stop - offset))):
            offset, size = offset + len(block), BLOCK
            data = rest + block
            if dropped:
                end = self.behind_first(data)
                if end:
                    yield b"", dropped + end
                    data, dropped = data[end:], 0
            whole = 0 if dropped else self.behind_last(data)
            if whole:
                yield data[:whole], whole
            rest = data[whole:]
            if dropped or len(rest) > LONGEST + len(self.newline):
                # Whole units only, so that what stays is still aligned.
                surplus = len(rest) - len(rest) % len(self.newline)
                rest, dropped = rest[surplus:], dropped + surplus
            self.file.seek(offset)  # another reader of this file may have moved it while we were away
        if offset < stop:
            raise cut(offset, stop)
        if dropped:
            yield b"", dropped + len(rest)
        elif rest:
            yield rest, len(rest)

    def split(self, data: bytes) -> Iterable[bytes]:
        """The lines in `data`, which starts with one, each with its end."""
        return io.BytesIO(data) if len(self.newline) == 1 else self.split_units(data)

    def split_units(self, data: bytes) -> Iterator[bytes]:
        start = 0
        while end := self.behind_first(data, start):
            yield data[start:end]
            start = end
        if start < len(data):
            yield data[start:]

    def behind_first(self, data: bytes, start: int = 0) -> int:
        """The index behind the first line end at or after `start`, or 0. Only whole units count: half of one character
        and half of the next may look like a line feed.
        """
        unit = len(self.newline)
        at = data.find(self.newline, start)
        while at > 0 and at % unit:
            at = data.find(self.newline, at + 1)
        return at + unit if at >= 0 else 0

    def behind_last(self, data: bytes) -> int:
        """The index behind the last line end, or 0."""
        unit = len(self.newline)
        at = data.rfind(self.newline)
        while at > 0 and at % unit:
            at = data.rfind(self.newline, 0, at + unit - 1)
        return at + unit if at >= 0 else 0

    def undecodable(self, error: UnicodeDecodeError) -> Flaw:
        byte, position = error.object[error.start], error.start + 1
        return Flaw("undecodable", f"The line is not {self.encoding}: byte 0x{byte:02X} at position {position}.")


def cut(size: int, stop: int) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"The file has {size:,} bytes; when this run began, it had {stop:,}.")
