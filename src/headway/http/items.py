"""Row 7 of the contract: what became of single items."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from headway import runs
from headway.errors import UnknownOperation
from headway.models import ItemOutcome, ItemState, Run
from headway.operations import registry

from . import paging
from .endpoint import Endpoint
from .openapi import CURSOR, LIMIT, Document, answer, parameter

__all__ = ["Items", "keeps_results"]

STATES = [str(state) for state in ItemState.values]


class Items(Endpoint):
    """The items that failed or were skipped, or whose results are kept, in the order in which they ended."""

    documents = {
        "get": Document(
            "list_items",
            "Items that failed or were skipped, or whose results are kept",
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
        if state == ItemState.SUCCEEDED and not keeps_results(run):
            raise ParseError("This operation keeps no results, so there is no list of what succeeded.")
        found, more = paging.first_rows(request, runs.outcomes(run, state, after=paging.id_in(request, "cursor")))
        results = [describe(row, for_staff=request.user.is_staff) for row in found]
        return paging.page(request, results, found[-1].pk if more else None)


def describe(row: ItemOutcome, *, for_staff: bool) -> dict[str, Any]:
    """One item; the error itself only for staff, since it may tell of the project's inside."""
    public: dict[str, Any] = {
        "key": row.key,
        "label": row.label,
        "state": row.state,
        "code": row.code,
        "text": row.text,
    }
    if row.state == ItemState.SUCCEEDED:
        public["value"] = row.value
    return public | {"detail": row.detail} if for_staff else public


def keeps_results(run: Run) -> bool:
    """Whether the run's operation keeps results, or has kept some."""
    try:
        kept = registry.get(run.operation).keep_results
    except UnknownOperation:
        kept = False
    return kept or runs.outcomes(run, ItemState.SUCCEEDED).exists()
