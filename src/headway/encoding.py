"""Which encoding the text in a file is in: its byte order mark's, else the declared one, else UTF-8.

Knows bytes only; shared by the form fields, which refuse a file at once, and the sources, which read it later.
"""

import codecs
from dataclasses import dataclass

# The longer marks first: UTF-16's is the beginning of UTF-32's.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNITS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}  # bytes of a code unit; elsewhere 1
EITHER_END = ("utf-16", "utf-32")
STATEFUL = ("hz", "utf-7")  # and all of iso2022: what a byte means hangs on the lines before it


@dataclass(frozen=True)
class Encoding:
    """An encoding in which a line can be found and read without the lines before it."""

    name: str
    """Python's name for it."""

    mark: int = 0
    """The length of the byte order mark at the start of the file, in bytes."""

    @property
    def newline(self) -> bytes:
        """The line feed, one code unit long."""
        return "\n".encode(self.name)

    def __str__(self) -> str:
        return self.name.upper()


def encoding_of(head: bytes, declared: str | None) -> Encoding:
    """The encoding of a file that begins with `head` (4 bytes are enough); `declared` as `check_encoding` gave it.

    A byte order mark outdoes what was declared (https://encoding.spec.whatwg.org/#decode): nobody means the characters
    that it would be in another encoding, and they would stand before the first column's name.

    UTF-16 or UTF-32 declared without an end and without a byte order mark is taken as little-endian, which is what
    the programs that leave the mark out write.
    """
    ends = (declared,) if declared not in EITHER_END else (f"{declared}-le", f"{declared}-be")
    marks = [Encoding(name, len(mark)) for mark, name in MARKS if head.startswith(mark)]
    if marks:  # two where UTF-16's is the beginning of UTF-32's
        return next((found for found in marks if found.name in ends), marks[0])
    return Encoding(ends[0] or "utf-8")


def check_encoding(name: str | None) -> str | None:
    """Python's name for a declared encoding, or None for none.

    Raises ValueError for one that doesn't exist, and for one in which a line can't be found and read on its own.
    """
    if name is None:
        return None
    try:
        found = codecs.lookup(name).name
        plain = '\r\n",'.encode(found) == b'\r\n",'
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"There is no text encoding {name!r}. Use one that Python knows, such as 'cp1252'.") from error
    if found == "utf-8-sig":
        return "utf-8"
    if found in UNITS or found in EITHER_END:
        return found
    if not plain or found in STATEFUL or found.startswith("iso2022"):
        raise ValueError(
            f"A file in the encoding {name!r} can't be read line by line from the middle, which resuming needs. "
            "Convert it to UTF-8 before it is given to Headway."
        )
    return found
