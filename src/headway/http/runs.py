"""Seeing runs and what they have said, and steering them."""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from headway import runs
from headway.live.known import etag, is_among
from headway.models import Run
from headway.operations import registry
from headway.runs.pages import behind, cursor_of
from headway.snapshots import moment, snapshot, snapshots
from headway.states import State, shown, stored_as

from . import paging
from .callers import StartThrottle, for_caller
from .endpoint import Endpoint, run_answer, started
from .openapi.document import CURSOR, ETAG, LIMIT, LOCATION, Document, answer, header, parameter

POLL_EVERY = 2  # s: a client that asks more often learns little more
STATES = list(dict.fromkeys(str(shown(state)) for state in State))
RETRY_AFTER = {"Retry-After": header("Seconds after which it is worth asking again.", required=False)}
CAME_TO = {"Headway-Disposition": header("What it came to.", {"enum": ["created", "joined"]})}
RETRIED = {"Location": LOCATION} | CAME_TO | RETRY_AFTER


class Runs(Endpoint):
    """The runs that you may see, the newest first."""

    documents = {
        "get": Document(
            "list_runs",
            "Runs",
            answers={200: answer("Runs")},
            parameters=(
                parameter("operation", "Only runs of this operation, under whatever name they were started."),
                parameter("state", "Only runs in this state.", {"type": "string", "enum": STATES}),
                parameter("active", "Only runs that have not ended, or only those that have.", {"type": "boolean"}),
                LIMIT,
                CURSOR,
            ),
        )
    }

    def get(self, request: Request) -> Response:
        try:
            rows = behind(wanted(request), request.query_params.get("cursor")).values_list("created_at", "id")
        except ValueError as error:
            raise ParseError("The cursor is none that was given out here. Follow `next` as it is.") from error
        found, more = paging.first_rows(request, rows)
        results = [for_caller(run, request) for run in snapshots(run_id for _, run_id in found).values()]
        return paging.page(request, results, cursor_of(*found[-1]) if more else None)


def wanted(request: Request) -> QuerySet[Run]:
    """The runs that the query string asks for. Raises ParseError."""
    found = runs.visible_to(request.user)
    if (operation := request.query_params.get("operation")) is not None:
        name = operation.replace("\0", "\ufffd")  # PostgreSQL takes no NUL, and no name has it
        found = found.filter(operation__in=registry.names_of(name))
    if (state := paging.choice(request, "state", STATES)) is not None:
        found = found.filter(state__in=stored_as(State(state)))
    if (active := paging.choice(request, "active", ("true", "false"))) is not None:
        found = found.filter(finished_at__isnull=active == "true")
    return found


class OneRun(Endpoint):
    """One run: asked for again and again, or deleted."""

    documents = {
        "get": Document(
            "get_run",
            "One run",
            answers={
                200: answer("Run", "The run as it is now.", {"ETag": ETAG} | RETRY_AFTER),
                304: answer(None, "Nothing has changed.", {"ETag": ETAG} | RETRY_AFTER),
            },
            refusals=("not-found",),
            parameters=(parameter("If-None-Match", "The ETag that you have.", place="header"),),
        ),
        "delete": Document(
            "delete_run",
            "Delete a run that has ended",
            answers={204: answer(None, "It is gone, with its outcomes and its files.")},
            refusals=("forbidden", "not-found", "invalid-state"),
        ),
    }

    def get(self, request: Request, run_id: UUID) -> Response:
        runs.get(run_id, user=request.user)
        run = snapshot(run_id)
        tag = etag(run)
        headers = {"ETag": tag} if run["done"] else {"ETag": tag, "Retry-After": str(POLL_EVERY)}
        if is_among(tag, request.headers.get("If-None-Match", "")):
            return Response(status=304, headers=headers)
        return Response(for_caller(run, request), headers=headers)

    def delete(self, request: Request, run_id: UUID) -> Response:
        runs.delete(run_id, user=request.user)
        return Response(status=204)


class Log(Endpoint):
    """The last lines of a run's log, at most 200, the oldest first: what its operation has said, and when."""

    documents = {"get": Document("read_log", "What a run's operation has said", {200: answer("Log")}, ("not-found",))}

    def get(self, request: Request, run_id: UUID) -> Response:
        run = runs.get(run_id, user=request.user)
        return Response({"results": [{"at": moment(line.at), "text": line.text} for line in runs.log(run)]})


class Steer(Endpoint):
    """Asks for a state, and answers before it is reached. A subclass says what to ask for."""

    ask: ClassVar[Callable[..., Run]]
    reached: ClassVar[State]

    def document(self, method: str) -> Document:
        verb = type(self).__name__
        return Document(
            f"{verb.lower()}_run",
            f"{verb} a run",
            answers={
                200: answer("Run", "It is so already.", RETRY_AFTER),
                202: answer("Run", "The wish is stored.", RETRY_AFTER),
            },
            refusals=("forbidden", "not-found", "invalid-state"),
        )

    def post(self, request: Request, run_id: UUID) -> Response:
        before = runs.get(run_id, user=request.user).state
        self.ask(run_id, user=request.user)
        return run_answer(request, run_id, 200 if before == self.reached else 202)


class Pause(Steer):
    """Let a run come to rest, within a second or one item."""

    ask, reached = staticmethod(runs.pause), State.PAUSED


class Resume(Steer):
    """Let a paused run go on where it stopped."""

    ask, reached = staticmethod(runs.resume), State.RUNNING


class Cancel(Steer):
    """End a run; what is done stays done."""

    ask, reached = staticmethod(runs.cancel), State.CANCELLED


class Retry(Endpoint):
    """Start a new run over the items that failed and, after a cancelled or failed run, over those not reached."""

    documents = {
        "post": Document(
            "retry_run",
            "Retry the failed items",
            answers={202: answer("Run", "The new run; the same again, while it is live.", RETRIED)},
            refusals=(
                "forbidden", "not-found", "invalid-state", "nothing-to-retry", "already-retried", "run-conflict",
                "quota-exceeded",
            ),
        )
    }  # fmt: skip

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), StartThrottle()]

    def post(self, request: Request, run_id: UUID) -> Response:
        return started(request, runs.retry(run_id, user=request.user))
