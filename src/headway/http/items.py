"""What became of single items; and what a person says of those in doubt."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from headway import runs
from headway.errors import InvalidParams, ParamError
from headway.models import ItemOutcome, ItemState, Run
from headway.operations import registry
from headway.runs.access import is_staff

from . import paging
from .endpoint import Endpoint, run_answer
from .openapi.document import CURSOR, LIMIT, Document, answer, parameter
from .openapi.schemas import ref

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
        results = [describe(row, for_staff=is_staff(request.user)) for row in found]
        return paging.page(request, results, found[-1].pk if more else None)


def describe(row: ItemOutcome, *, for_staff: bool) -> dict[str, Any]:
    """One item; the error itself only for staff, since it may tell of the project's inside."""
    public = {name: getattr(row, name) for name in ("key", "label", "state", "code", "text")}
    if row.state == ItemState.SUCCEEDED:
        public["value"] = row.value
    return public | {"detail": row.detail} if for_staff else public


def keeps_results(run: Run) -> bool:
    """Whether the run's operation keeps results, or has kept some."""
    operation = registry.find(run.operation)
    return bool(operation and operation.keep_results) or runs.outcomes(run, ItemState.SUCCEEDED).exists()


class Settle(Endpoint):
    """Say whether items in doubt went out; those that did not are done again by a retry."""

    documents = {
        "post": Document(
            "settle_items",
            "Settle items in doubt",
            answers={200: answer("Run", "It is stored.")},
            refusals=("validation", "forbidden", "not-found", "invalid-state", "already-retried"),
            body={"content": {"application/json": {"schema": ref("Settling")}}, "required": True},
        )
    }

    def post(self, request: Request, run_id: UUID) -> Response:
        runs.get(run_id, user=request.user)  # first of all: to others it isn't there, whatever they send
        went_out, keys = settling(request.data)
        runs.settle(run_id, went_out=went_out, keys=keys, user=request.user)
        return run_answer(request, run_id, 200)


def settling(sent: Any) -> tuple[bool, list[str] | None]:
    """What was said, and of which items; None: of all. Raises InvalidParams."""
    if not isinstance(sent, dict):
        raise InvalidParams([ParamError("", "type", 'Send a JSON object, such as {"went_out": true}.')])
    wrong = [
        ParamError(f"/{name}", "unknown", "There is no such member.") for name in sent.keys() - {"went_out", "keys"}
    ]
    went_out, keys = sent.get("went_out"), sent.get("keys")
    if not isinstance(went_out, bool):
        wrong.append(ParamError("/went_out", "type", "It must be true or false: whether they went out."))
    if "keys" in sent and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        wrong.append(ParamError("/keys", "type", "It must be a list of the items' keys; without it, all are meant."))
    if wrong:
        raise InvalidParams(wrong)
    return bool(went_out), keys
