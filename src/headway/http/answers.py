"""What a request that concerns one run is answered with."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from headway.runs import Disposition, Started
from headway.snapshots import snapshot

from .callers import for_caller

SOON = 1  # s: the state that was asked for is mostly reached by then


def run_answer(request: Request, run_id: Any, status: int = 202) -> Response:
    """The run as it is now."""
    run = for_caller(snapshot(run_id), request)
    headers = {} if run["done"] else {"Retry-After": str(SOON)}
    return Response(run, status=status, headers=headers)


def started(request: Request, start: Started) -> Response:
    """The run that a start or a retry came to, and how."""
    replayed = start.disposition == Disposition.REPLAYED
    answer = run_answer(request, start.run.pk)
    if replayed and answer.data["done"]:
        answer.status_code = 200
    else:
        answer["Retry-After"] = str(SOON)  # a run that was joined may just have ended
    answer["Location"] = answer.data["links"]["self"]
    answer["Headway-Disposition"] = str(start.disposition)
    if replayed:
        answer["Idempotent-Replayed"] = "true"
    return answer
