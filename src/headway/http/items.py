"""Row 7 of the contract: what became of single items."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from headway import runs
from headway.models import ItemOutcome, ItemState

from . import paging
from .endpoint import Endpoint
from .openapi import CURSOR, LIMIT, Document, answer, parameter

__all__ = ["Items"]

STATES = [str(state) for state in ItemState.values]


class Items(Endpoint):
    """The items that failed or were skipped, in the order in which they ended."""

    documents = {
        "get": Document(
            "list_items",
            "Items that failed or were skipped",
            answers={200: answer("Items")},
            refusals=("not-found",),
            parameters=(
                parameter("state", "How they ended.", {"type": "string", "enum": STATES, "default": STATES[0]}),
                LIMIT,
                CURSOR,
            ),
        )
    }

    def get(self, request: Request, run_id: UUID) -> Response:
        runs.get(run_id, user=request.user)
        state = paging.choice(request, "state", STATES) or ItemState.FAILED
        rows = ItemOutcome.objects.filter(run=run_id, state=state, id__gt=after(request)).order_by("id")
        limit = paging.limit_of(request)
        found, more = paging.at_most(rows[: limit + 1], limit)
        results = [describe(row, for_staff=request.user.is_staff) for row in found]
        return Response(paging.page(request, results, [found[-1].pk] if more else None))


def after(request: Request) -> int:
    """The id behind which the page begins. Raises ParseError."""
    place = paging.cursor_of(request) or [0]
    if len(place) != 1 or type(place[0]) is not int or not 0 <= place[0] <= paging.BIGGEST:
        raise paging.bad_cursor()
    return place[0]


def describe(row: ItemOutcome, *, for_staff: bool) -> dict[str, Any]:
    """One item; the error itself only for staff, since it may tell of the project's inside."""
    told = {"key": row.key, "label": row.label, "state": row.state, "code": row.code, "text": row.text}
    return told | {"detail": row.detail} if for_staff else told
