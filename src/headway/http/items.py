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
        run = runs.get(run_id, user=request.user)
        state = paging.choice(request, "state", STATES) or ItemState.FAILED
        found, more = paging.first_rows(request, runs.outcomes(run, state, after=paging.id_in(request, "cursor")))
        results = [describe(row, for_staff=request.user.is_staff) for row in found]
        return paging.page(request, results, found[-1].pk if more else None)


def describe(row: ItemOutcome, *, for_staff: bool) -> dict[str, Any]:
    """One item; the error itself only for staff, since it may tell of the project's inside."""
    public = {"key": row.key, "label": row.label, "state": row.state, "code": row.code, "text": row.text}
    return public | {"detail": row.detail} if for_staff else public
