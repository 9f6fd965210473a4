"""What is wanted of a run, and how it comes to rest: each step is one transaction, under the run's row lock but for
`adopt_version`; the helpers work inside it."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Greatest

from headway.database import NowMs, write
from headway.errors import InvalidState
from headway.models import Part, Run
from headway.operations.declarations import ANY_VERSION
from headway.states import ACTIONS, Action, Event, State, Want, after
from headway.store.announcing import announce_change, announce_due
from headway.store.locks import lock_run
from headway.store.parts import flights, holds, passes
from headway.store.parts.leases import Fenced, end_session_of
from headway.store.parts.outcomes import LONGEST_DETAIL, LONGEST_TEXT, storable

from .endings import end

log = logging.getLogger(__name__)

ENDS = (Want.STOP, Want.CANCEL)  # nothing is done any more
FAILURE_LIMIT, OTHER_VERSION = "failure-limit", "other-version"


@dataclass(frozen=True)
class Reason:
    """Why a run paused, stopped or waits: a code for programs, a sentence for people, the details for staff."""

    code: str
    text: str
    detail: str = ""


def ask_pause(run_id: UUID, reason: Reason) -> Run:
    """Let the run come to rest. Asked again, it changes nothing. Raises InvalidState, RunNotFound."""
    with write():
        run = lock_run(run_id)
        if not is_stopping(run) and run.state not in (State.PAUSING, State.PAUSED):
            demand(run, Action.PAUSE)
            move(run, Event.ASK_PAUSE)
            want(run, Want.PAUSE, reason)
            rest(run)
        return run


def ask_cancel(run_id: UUID, reason: Reason) -> Run:
    """End the run: at once when no part is owned, else when the last owner has yielded. Raises like `ask_pause`."""
    with write():
        run = lock_run(run_id)
        if run.state not in (State.CANCELLING, State.CANCELLED):
            demand(run, Action.CANCEL)
            if run.state != State.WAITING:
                move(run, Event.ASK_CANCEL)
            want(run, Want.CANCEL, reason)
        if run.state == State.WAITING:
            end(run, Event.DROP)
        elif not run.is_done:
            rest(run)
        return run


def ask_resume(run_id: UUID) -> Run:
    """Let the run go on where it stopped; where too much had failed, that is tried again. Asked of a running run, it
    changes nothing. Raises like `ask_pause`."""
    with write():
        run = lock_run(run_id)
        if not is_stopping(run) and run.state != State.RUNNING:
            demand(run, Action.RESUME)
            if run.reason_code == FAILURE_LIMIT:
                run.parts_left = passes.try_failed_again(run.pk)
                save(run, "parts_left")
            if run.reason_code == OTHER_VERSION:
                run.version = ANY_VERSION
                save(run, "version")
            move(run, Event.RESUME)
            want(run, Want.RUN, Reason("", ""))
        return run


def end_deserted(run_id: UUID) -> None:
    """End a run that is to end, if no owner is left to yield: all their leases have run out.

    Raises RunNotFound.
    """
    with write():
        run = lock_run(run_id)
        if not run.is_done and run.want in ENDS:
            rest(run)


def settle(run_id: UUID, code: str, keys: Collection[str] | None = None) -> int:
    """A person says of items in doubt, of all where `keys` is None, that they went out or did not (`flights.say`).

    Gives of how many. Raises RunNotFound, and InvalidState unless the run has ended or rests: an owner counts failures,
    too.
    """
    with write():
        run = lock_run(run_id)
        if not run.is_done and run.state != State.PAUSED:
            raise InvalidState("settle what is in doubt", run.state, ACTIONS[State(run.state)])
        told = flights.say(run_id, code, keys)
        if told:
            announce_change(run_id)
        return told


def adopt_version(run_id: UUID, version: str) -> str:
    """From now on a run that may go on under any version of its operation goes on under one only. Gives which: this
    one, or that of another worker, which was quicker."""
    with write():
        Run.objects.filter(pk=run_id, version=ANY_VERSION).update(version=version)
        return Run.objects.values_list("version", flat=True).get(pk=run_id)


def halt(part: Part, wanted: Want, reason: Reason) -> Run:
    """The part's owner found that its run can't go on: record why, ask the other owners to yield, yield itself.

    `Want.STOP` ends the run as failed; `Want.PAUSE` lets a person mend what is wrong. A cancel outranks both, a stop
    outranks a pause. Raises Fenced.
    """
    with write():
        run = lock_run(part.run_id)
        outranked = run.want == Want.CANCEL or (run.want == Want.STOP and wanted == Want.PAUSE)
        # What else is wrong is met again after the resume that this reason asks for.
        outranked |= run.want == wanted == Want.PAUSE and run.reason_code == FAILURE_LIMIT
        if not outranked:
            if wanted == Want.PAUSE and run.state in (State.QUEUED, State.RUNNING):
                move(run, Event.BREAK)
            want(run, wanted, reason)
        hand_back(part, run)
        rest(run)
    if wanted == Want.PAUSE and not outranked:
        log.warning("part=%s run=%s event=paused reason=%s", part.pk, run.pk, reason.code)
    return run


def yield_part(part: Part) -> Run:
    """The owner gives its part back because something else than to run is wanted. Raises Fenced."""
    with write():
        run = lock_run(part.run_id)
        hand_back(part, run)
        rest(run)
        return run


def is_stopping(run: Run) -> bool:
    """Whether the operation has ended it, and its owners have yet to yield."""
    return run.want == Want.STOP and not run.is_done


def demand(run: Run, action: Action) -> None:
    """Raises InvalidState unless the run's state allows the action."""
    actions = ACTIONS[State(run.state)]
    if action not in actions:
        raise InvalidState(action, run.state, actions)


def move(run: Run, event: Event) -> None:
    """Take an arrow of the table, and store it."""
    before, run.state = run.state, str(after(State(run.state), event))
    save(run, "state")
    if State.PAUSED in (before, run.state):
        note_pause(run)


def note_pause(run: Run) -> None:
    """Store that a pause has begun or ended. One before the run's first item is no part of its time."""
    stored = Run.objects.filter(pk=run.pk)
    if run.state == State.PAUSED:
        stored.filter(started_at__isnull=False).update(paused_since=NowMs())
    else:
        paused = Greatest(NowMs() - Coalesce(F("paused_since"), NowMs()), Value(0))  # a clock may be set back
        stored.update(paused_ms=F("paused_ms") + paused, paused_since=None)


def save(run: Run, *fields: str) -> None:
    """Store these fields of a locked run, with a new revision."""
    run.revision += 1
    Run.objects.filter(pk=run.pk).update(
        revision=run.revision, changed=NowMs(), **{field: getattr(run, field) for field in fields}
    )
    announce_change(run.pk)


def want(run: Run, wanted: Want, reason: Reason) -> None:
    """Write the wish down for the run and for each part that isn't closed; only released ones follow at once."""
    run.want = str(wanted)
    run.reason_code = reason.code
    run.reason_text = storable(reason.text, LONGEST_TEXT)
    run.reason_detail = storable(reason.detail[-LONGEST_DETAIL:], LONGEST_DETAIL)  # a traceback's end says most
    save(run, "want", "reason_code", "reason_text", "reason_detail")
    goes_on = wanted == Want.RUN
    # Waiting isn't working: the pace is measured anew. An owner that hasn't yet seen the pause just goes on.
    anew: dict[str, Any] = {"pace": [], "setbacks": 0} if goes_on else {}
    due = Case(When(token__isnull=True, then=NowMs() if goes_on else None), default=F("due"))
    changed = Part.objects.filter(run=run, closed=False).update(want=wanted, due=due, changed=NowMs(), **anew)
    if goes_on:
        announce_due(run.operation, changed)


def hand_back(part: Part, run: Run) -> None:
    """Release the part under the run's lock: due again if the run is wanted, else at rest. Raises Fenced."""
    due = NowMs() if run.want == Want.RUN else None
    mine = Part.objects.filter(run=run, token=part.token)
    if not mine.update(token=None, due=due, tries=0, changed=NowMs()):
        raise Fenced


def rest(run: Run) -> None:
    """Once no worker owns a part of a run that isn't wanted any more, say so."""
    if run.want == Want.RUN:
        return
    if run.want in ENDS:
        disown_the_dead(run)
    if Part.objects.filter(Q(run=run), token__isnull=False).exists():
        return
    if run.want == Want.PAUSE:
        move(run, Event.YIELD_PAUSE)
        holds.free(run)
    else:
        end(run, Event.YIELD_CANCEL if run.want == Want.CANCEL else Event.YIELD_STOP)


def disown_the_dead(run: Run) -> None:
    """Take the parts from owners whose leases have run out, as no worker may ever come to take them over.

    One that lives after all is fenced: it finds no row under its token, and its chunk is rolled back.
    """
    for part in Part.objects.filter(Q(run=run), token__isnull=False, due__lt=NowMs()):
        end_session_of(part.token or 0)
        Part.objects.filter(pk=part.pk, token=part.token, due__lt=NowMs()).update(token=None, due=None, changed=NowMs())
