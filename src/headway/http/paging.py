"""Pages that begin behind the last row of the one before, so that none is passed over or comes twice."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

LIMIT, LARGEST = 50, 200
BIGGEST = 2**63 - 1  # a database's largest whole number
Row = TypeVar("Row")


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number from the query string. Raises ParseError, which says what it may be."""
    sent = request.query_params.get(name)
    if sent is None:
        return default
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 19 and least <= int(sent) <= most):
        raise ParseError(f"{name} is {sent[:100]!r}; it must be a whole number from {least} to {most}.")
    return int(sent)


def choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """One of these words from the query string, or None. Raises ParseError."""
    sent: str | None = request.query_params.get(name)
    if sent is not None and sent not in choices:
        raise ParseError(f"{name} is {sent[:100]!r}; it must be one of {', '.join(choices)}.")
    return sent


def id_in(request: Request, name: str) -> int:
    """The id of the row behind which the page begins; 0 for the first page. Raises ParseError."""
    return whole_number(request, name, 0, 0, BIGGEST)


def first_rows(request: Request, rows: QuerySet[Any, Row]) -> tuple[list[Row], bool]:
    """As many rows as a page has, and whether there are more. Raises ParseError."""
    limit = whole_number(request, "limit", LIMIT, 1, LARGEST)
    found = list(rows[: limit + 1])
    return found[:limit], len(found) > limit


def page(request: Request, results: list[Any], cursor: Any) -> Response:
    """The answer; `cursor` is where the next page begins, None when there is none."""
    query = request.query_params.copy()
    query["cursor"] = str(cursor)
    following = None if cursor is None else f"{request.path}?{urlencode(list(query.items()))}"
    return Response({"next": following, "results": results})
