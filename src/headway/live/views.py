"""Who may watch, and what they get where nothing can be pushed: plain views, whose answer is whole under WSGI.

The gate asks the same views; to it they hand over, and a transport writes the answer.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

from headway import problems
from headway.errors import RunNotFound
from headway.live.admission.callers import Caller, Refused, caller_of
from headway.live.admission.gate import Admitted, GateRequest
from headway.live.hub import questions
from headway.live.hub.messages import SSE_HEADERS, first_frames, whole
from headway.runs.access import is_visible
from headway.snapshots import snapshot, snapshots

from .known import BadWait, etag, last_event_id, wait_of

COME_BACK = 2  # s; where nothing is pushed
View = Callable[[HttpRequest, Caller, Any], HttpResponse]


def watches(view: View) -> Callable[..., HttpResponse]:
    """The view, for callers who may watch. To the gate it answers no more than that they may."""

    @csrf_exempt  # a POST changes nothing here, and gets a problem instead of a page
    @transaction.non_atomic_requests  # on SQLite one around a question would wait for a writer
    @login_not_required  # without a sign-in the answer is a problem, too, and no redirection to a form
    @wraps(view)
    def judged(request: HttpRequest, run_id: UUID | None = None) -> HttpResponse:
        try:
            caller = admitted(request, run_id)
            if isinstance(caller, HttpResponse):
                return caller
            return Admitted(caller) if isinstance(request, GateRequest) else view(request, caller, run_id)
        except Error as error:
            if rule := problems.rule_of_database(error):
                return problems.response_of(error, rule)
            raise

    return judged


@watches
def run_events(request: HttpRequest, caller: Caller, run_id: UUID) -> HttpResponse:
    """One run's stream: under WSGI its first message, and when to come back."""
    run = snapshot(run_id)
    if run["done"] and last_event_id(request.headers.get("Last-Event-ID", "")) == run["revision"]:
        return HttpResponse(status=204)
    return stream([whole(run, caller.holder).sse["body"]])


@watches
def events(request: HttpRequest, caller: Caller, run_id: None) -> HttpResponse:
    """The stream of all the caller's runs that are live or have just ended: under WSGI how they are now."""
    found = snapshots(questions.runs_of([str(caller.user.pk)]))
    return stream([whole(run, caller.holder).sse_of_many["body"] for run in found.values()])


@watches
def wait(request: HttpRequest, caller: Caller, run_id: UUID) -> HttpResponse:
    """A long poll: under WSGI it answers at once."""
    try:
        question = wait_of(request.META["QUERY_STRING"])
    except BadWait as error:
        return problems.response("malformed", str(error))
    run = snapshot(run_id)
    passed = question.is_passed_by(run["revision"])
    answer = HttpResponse(whole(run).body, "application/json") if passed else HttpResponse(status=204)
    answer["ETag"], answer["Retry-After"], answer["Cache-Control"] = etag(run), str(COME_BACK), "private, no-cache"
    return answer


def admitted(request: HttpRequest, run_id: UUID | None) -> Caller | HttpResponse:
    """The caller, if they may watch this; otherwise the refusal. A foreign run is refused like one that isn't there."""
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


def stream(frames: Sequence[bytes]) -> HttpResponse:
    """A stream that says how things are and when to come back, and ends."""
    answer = HttpResponse(first_frames(COME_BACK * 1000, frames), headers=SSE_HEADERS)
    patch_cache_control(answer, private=True)
    return answer
