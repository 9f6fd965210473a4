"""Who may watch, and what they get where nothing can be pushed: plain views, whose answer is whole under WSGI.

The gate asks the same views; to it they hand over, and a transport writes the answer.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

from headway import problems
from headway.errors import RunNotFound
from headway.live.admission.callers import Caller, Refused, caller_of
from headway.live.admission.gate import Admitted, GateRequest
from headway.live.admission.tickets import with_tickets
from headway.live.hub import questions
from headway.live.hub.messages import SSE_HEADERS, first_frames, whole
from headway.runs.access import is_visible
from headway.snapshots import snapshot, snapshots

from .etags import etag
from .place import BadPlace, last_event_id, place_of

__all__ = ["events", "run_events", "wait"]

COME_BACK = 2  # s; where nothing is pushed


@csrf_exempt  # a POST changes nothing here, and gets a problem instead of a page
@login_not_required  # nobody gets a problem, too, instead of a redirection to a form
def run_events(request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002  (the URL's word)
    """One run's stream: under WSGI its first message, and when to come back."""
    caller = admitted(request, id)
    if isinstance(caller, HttpResponse):
        return caller
    if isinstance(request, GateRequest):
        return Admitted(caller)
    run = snapshot(id)
    if run["done"] and last_event_id(request.headers.get("Last-Event-ID", "")) == run["revision"]:
        return HttpResponse(status=204)
    return stream([whole(for_caller(run, caller)).sse["body"]])


@csrf_exempt
@login_not_required
def events(request: HttpRequest) -> HttpResponse:
    """The stream of all the caller's runs that are live or have just ended: under WSGI how they are now."""
    caller = admitted(request)
    if isinstance(caller, HttpResponse):
        return caller
    if isinstance(request, GateRequest):
        return Admitted(caller)
    found = snapshots(questions.runs_of([str(caller.user.pk)]))
    return stream([whole(for_caller(run, caller)).sse_of_many["body"] for run in found.values()])


@csrf_exempt
@login_not_required
def wait(request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002
    """A long poll: under WSGI it answers at once."""
    caller = admitted(request, id)
    if isinstance(caller, HttpResponse):
        return caller
    try:
        place = place_of(request.META["QUERY_STRING"])
    except BadPlace as error:
        return problems.response("malformed", str(error))
    if isinstance(request, GateRequest):
        return Admitted(caller)
    run = snapshot(id)
    passed = place.is_passed_by(run["revision"])
    answer = HttpResponse(whole(run).body, "application/json") if passed else HttpResponse(status=204)
    answer["ETag"], answer["Retry-After"], answer["Cache-Control"] = etag(run), str(COME_BACK), "private, no-cache"
    return answer


def admitted(request: HttpRequest, run_id: UUID | None = None) -> Caller | HttpResponse:
    """Who asks, if they may watch this; otherwise the refusal. A foreign run is refused like one that isn't there."""
    if request.method not in ("GET", "HEAD"):
        answer = problems.response("method-not-allowed", f"{request.method} has no meaning here; send GET.")
        answer["Allow"] = "GET, HEAD"
        return answer
    try:
        caller = caller_of(request, str(run_id) if run_id else None)
    except Refused as refused:
        return refused.answer
    if caller is None:
        return problems.response("unauthenticated", "Sign in, or take a fresh ticket from the run's links.")
    if run_id is not None and not is_visible(run_id, caller.user):
        return problems.response("not-found", str(RunNotFound(run_id)))
    return caller


def for_caller(run: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The snapshot with fresh tickets for those who can't sign in otherwise."""
    return with_tickets(run, caller.holder) if caller.holder else run


def stream(frames: Sequence[bytes]) -> HttpResponse:
    """A stream that says how things are and when to come back, and ends."""
    answer = HttpResponse(first_frames(COME_BACK * 1000, frames), headers=SSE_HEADERS)
    patch_cache_control(answer, private=True)
    return answer
