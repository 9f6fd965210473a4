"""Watching a run, as the schema tells of it. `live` serves it, which knows no REST framework."""

from typing import Any

from django.urls import URLPattern
from rest_framework.request import Request

from .endpoint import Endpoint
from .openapi.document import ETAG, Document, answer, header, parameter

STREAM = answer(
    "ServerSentEvent",
    "A stream of messages, which the server ends after at most 50 s; then come back.",
    media_type="text/event-stream",
)
LAST = parameter("Last-Event-ID", "The revision that you have, which was the last event's id.", place="header")
RETRY_AFTER = {"Retry-After": header("Where nothing is pushed: seconds after which to ask again.", required=False)}


DOCUMENTS = {
    "run-wait": Document(
        "wait_for_run",
        "Wait for a change of a run",
        description="Wait for a change of a run, for at most 25 s: a long poll.",
        answers={
            200: answer("Message", "The run has passed that revision.", {"ETag": ETAG} | RETRY_AFTER),
            204: answer(None, "Nothing has changed in time.", RETRY_AFTER),
        },
        refusals=("not-found", "too-many-streams"),
        parameters=(
            parameter("after", "The revision that you have.", {"type": "integer", "minimum": 0}),
            parameter("seconds", "How long to wait.", {"type": "integer", "minimum": 1, "maximum": 25}),
        ),
    ),
    "run-events": Document(
        "watch_run",
        "Follow a run",
        description="Follow a run: Server-Sent Events.",
        answers={200: STREAM, 204: answer(None, "The run has ended, and you have its last revision.")},
        refusals=("not-found", "too-many-streams"),
        parameters=(LAST,),
    ),
    "events": Document(
        "watch_runs",
        "Follow your runs",
        description="Follow all of your runs that are live or have just ended: Server-Sent Events.",
        answers={200: STREAM},
        refusals=("too-many-streams",),
    ),
}


class Watching(Endpoint):
    """Stands for a view of `live` in the schema, and is never served."""

    def get(self, request: Request, **kwargs: Any) -> Any:
        raise NotImplementedError


def documented(patterns: list[URLPattern]) -> list[URLPattern]:
    """The same patterns, each of whose views drf-spectacular takes for one that it can ask."""
    for each in patterns:
        view: Any = each.callback
        view.cls, view.initkwargs = Watching, {"documents": {"get": DOCUMENTS[str(each.name)]}}
    return patterns
