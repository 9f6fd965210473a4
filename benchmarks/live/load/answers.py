"""Whole HTTP/1.1 answers with a Content-Length, or with none because they have no body."""

import re
from typing import NamedTuple

__all__ = ["Answer", "whole"]

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes
    rest: bytes


def whole(data: bytes) -> Answer | None:
    """The first answer in these bytes, if all of it is there."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return None
    head, status = data[:end], int(data[9:12])
    if status in (204, 304):
        return Answer(status, head, b"", data[end:])
    found = LENGTH.search(head)
    if found is None:
        raise ValueError(f"an answer without a length: {head!r}")
    last = end + int(found[1])
    return Answer(status, head, data[end:last], data[last:]) if len(data) >= last else None
