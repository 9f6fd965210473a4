"""Pages that begin behind the last row of the one before, so that none is passed over or comes twice."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from rest_framework.exceptions import ParseError
from rest_framework.request import Request

__all__ = ["BIGGEST", "at_most", "bad_cursor", "choice", "cursor_of", "limit_of", "page", "whole_number"]

LIMIT, LARGEST = 50, 200
BIGGEST = 2**63 - 1  # a database's largest whole number
Row = TypeVar("Row")


def limit_of(request: Request) -> int:
    """How many rows a page has. Raises ParseError."""
    return whole_number(request, "limit", LIMIT, 1, LARGEST)


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number from the query string. Raises ParseError, which says what it may be."""
    sent = request.query_params.get(name)
    if sent is None:
        return default
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 19 and least <= int(sent) <= most):
        raise ParseError(f"{name} is {sent[:100]!r}; it must be a whole number from {least} to {most}.")
    return int(sent)


def choice(request: Request, name: str, choices: Iterable[str]) -> str | None:
    """One of these words from the query string, or None. Raises ParseError."""
    sent: str | None = request.query_params.get(name)
    known = list(choices)
    if sent is not None and sent not in known:
        raise ParseError(f"{name} is {sent[:100]!r}; it must be one of {', '.join(known)}.")
    return sent


def cursor_of(request: Request) -> list[Any] | None:
    """Where the page begins, as `page` wrote it. Raises ParseError."""
    sent = request.query_params.get("cursor")
    if sent is None:
        return None
    try:
        place = json.loads(urlsafe_b64decode(sent.encode()))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise bad_cursor() from error
    if not isinstance(place, list):
        raise bad_cursor()
    return place


def bad_cursor() -> ParseError:
    return ParseError("The cursor is none that was given out here. Follow `next` as it is.")


def at_most(rows: Iterable[Row], limit: int) -> tuple[list[Row], bool]:
    """The first `limit` rows, and whether there are more."""
    found = list(islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def page(request: Request, results: list[Any], place: list[Any] | None) -> dict[str, Any]:
    """The answer; `place` is where the next page begins, None when there is none."""
    return {"next": None if place is None else next_link(request, place), "results": results}


def next_link(request: Request, place: list[Any]) -> str:
    cursor = urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()
    query = request.query_params.copy()
    query["cursor"] = cursor
    return f"{request.path}?{urlencode(list(query.items()))}"
