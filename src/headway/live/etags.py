"""What tells one state of a run from another: its revision, and what changes without it (CONTRACT.md, "The run")."""

from typing import Any
from zlib import crc32

from django.utils.http import parse_etags


def etag(run: dict[str, Any]) -> str:
    """The ETag of a snapshot: weak, since rates and times left come from the clock and are not covered."""
    reason = run["reason"] or {"code": "", "text": ""}
    words = f"{run['stalled']}\n{reason['code']}\n{reason['text']}".encode()
    return f'W/"{run["revision"]}-{crc32(words):08x}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Whether the client has this state already, by what it says in If-None-Match."""
    strong = tag.removeprefix("W/")  # compared weakly: RFC 9110, 13.1.2
    return any(each == "*" or each.removeprefix("W/") == strong for each in parse_etags(if_none_match))
