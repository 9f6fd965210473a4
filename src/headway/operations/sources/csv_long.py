"""A record of any length, by the rules of the standard parser. That one refuses fields of more than 128 KiB, by a limit
that belongs to the whole process, and so to the project.
"""

import csv

__all__ = ["LongRecord"]


class LongRecord:
    """One record, taken line by line; `fields` are those that have ended."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.fields: list[str] = []
        self.open: list[str] | None = None  # the pieces of a quoted field that hasn't ended

    def take(self, line: str) -> bool:
        """Whether the record ends with this line. Raises csv.Error where the standard parser would, if it is strict."""
        body = line.rstrip("\r\n")
        at: int | None = 0
        while at is not None:
            if self.open is None and not line.startswith('"', at):
                at = self.unquoted(body, at)
            else:
                if self.open is None:
                    self.open, at = [], at + 1
                close = self.closing(line, at)
                if close is None:
                    return False
                at = self.behind(body, close)
        return True

    def unquoted(self, body: str, at: int) -> int | None:
        """Take the field that starts there; gives where the next one starts, or None at the end."""
        end = body.find(self.delimiter, at)
        field = body[at:] if end < 0 else body[at:end]
        if "\r" in field or "\n" in field:
            raise csv.Error("new-line character seen in unquoted field")
        self.fields.append(field)
        return None if end < 0 else end + 1

    def closing(self, line: str, at: int) -> int | None:
        """Take what is quoted from there on; gives where the quotation mark stands that closes it, if it does."""
        pieces = self.open = self.open or []
        while (found := line.find('"', at)) >= 0:
            if not line.startswith('"', found + 1):
                pieces.append(line[at:found])
                return found
            pieces.append(line[at : found + 1])  # a doubled one stands for itself
            at = found + 2
        pieces.append(line[at:])
        return None

    def behind(self, body: str, close: int) -> int | None:
        """The quoted field has ended; gives where the next one starts, or None at the end."""
        self.fields.append("".join(self.open or []))
        self.open = None
        if close + 1 >= len(body):
            return None
        if body[close + 1] != self.delimiter:
            raise csv.Error(f"{self.delimiter!r} expected after '\"'")
        return close + 2
