"""How a part closes and how a run ends, always in a transaction that holds the run's lock by then; in the very same one
a run that waits behind it becomes live."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Sum
from django.db.models.functions import Now
from django.dispatch import Signal

from headway.database import Hooks, NowMs, write, write_beside_project
from headway.database.statements import First, Given, Rows, Update, UpdateOne
from headway.models import Kind, Part, Run
from headway.operations.registry import current_name
from headway.signals import run_ended
from headway.states import Counts, Event, State, Want, after
from headway.store.announcing import announce_change, announce_due
from headway.store.locks import lock_run
from headway.store.parts import flights, holds, passes
from headway.store.parts.leases import AS_WE_LEFT_IT, fenced, lease_ms

log = logging.getLogger(__name__)

ending = Signal()
"""A run ends. Argument: `run`. Sent inside the transaction that ends it, so what a receiver writes is committed with
that or not at all. A receiver that raises keeps the run from ending."""


@dataclass(frozen=True)
class Closed:
    """What came of closing a part: `wanted` is false when a pause, a stop or a cancel came first, and nothing was
    written; `finish` is the run's finish part, owned by the same worker, when there is one to go on with."""

    wanted: bool = True
    finish: Part | None = None


def close_part(part: Part, *, has_finish: bool) -> Closed:
    """The part has reached its end; the last one to close ends the run, or leaves it to a finish part. Raises Fenced.

    A cancel that was accepted before is never overtaken: `want` is read under the run's lock.
    """
    with write():
        run = lock_run(part.run_id)
        if run.want != Want.RUN:
            return Closed(wanted=False)
        fenced(SHUT, part)
        run.parts_left -= 1
        COUNT_DOWN(id=run.pk, parts_left=run.parts_left)
        announce_change(run.pk)
        if run.parts_left:
            return Closed()
        if has_finish:
            # A new part under the same token: no other worker has to be woken for it.
            created = Part.objects.create(
                run=run,
                kind=Kind.FINISH,
                token=part.token,
                worker=part.worker,
                due=NowMs() + lease_ms(),
                changed=NowMs(),
            )
            return Closed(finish=Part.objects.select_related("run").get(pk=created.pk))
        end(run, counts_of(run.pk).finish)
        return Closed()


def finish(part: Part, conclude: Callable[[], Any]) -> bool:
    """Call `conclude` and end the run with what it gives, in one transaction; False, and nothing happened, when the run
    is not wanted any more. Raises Fenced, and whatever `conclude` raises.

    `conclude` comes before the lock, so that a slow one doesn't make those wait who want to cancel.
    """
    with write_beside_project():
        result = conclude()
        run = lock_run(part.run_id)
        if run.want != Want.RUN:
            transaction.set_rollback(True)
            return False
        fenced(SHUT, part)
        end(run, counts_of(run.pk).finish, result=result)
        Hooks().take_over()
        return True


def counts_of(run_id: UUID) -> Counts:
    """The sum over the run's parts."""
    return sums_of(run_id)[0]


def sums_of(run_id: UUID) -> tuple[Counts, int]:
    """The same, and how many items were added on the way."""
    return next(((Counts(*sums), added) for *sums, added in SUMS(run=run_id)), (Counts(), 0))


SUMS = Rows(
    Part.objects.filter(run=Given("run", Part))
    .values("run")
    .annotate(s=Sum("succeeded"), f=Sum("failed"), k=Sum("skipped"), a=Sum("added"))
    .order_by()
    .values_list("s", "f", "k", "a")
)


def end(run: Run, event: Event, *, result: Any = None) -> None:
    """End a locked run: its state, its times and its key in one UPDATE. Nothing of it changes after this.

    The run that waits behind it becomes live in the same transaction, the names that it holds are free, and who listens
    to `ending` writes in it, too.
    """
    held, run.result = run.live_key, result
    run.state = state = after(State(run.state), event)
    if state in (State.SUCCEEDED, State.PARTIAL) or event == Event.FINISH_ALL_FAILED:
        counts, added = sums_of(run.pk)
        run.total, run.total_exact = counts.processed - added, True
        if event == Event.FINISH_ALL_FAILED:
            run.reason_code, run.reason_text = nothing_succeeded(counts)
    else:
        flights.end_flights(run.pk)
        passes.give_up_retrying(run.pk)
        counts = counts_of(run.pk)
    if not run.reason_code:
        run.reason_detail = ""  # of setbacks that it got over
    vars(run).update(vars(END(**vars(run))))
    if held:
        promote_next(held)
        holds.free(run)
    ending.send(sender=Run, run=run)
    transaction.on_commit(partial(tell_of_end, run.pk, current_name(run.operation), state, counts))


def tell_of_end(run_id: UUID, operation: str, state: State, counts: Counts) -> None:
    """In the log, and by the signal; once it is committed."""
    counted = counts.succeeded, counts.failed, counts.skipped
    form = "run=%s operation=%s event=ended state=%s succeeded=%s failed=%s skipped=%s"
    log.info(form, run_id, operation, state, *counted)
    run_ended.send_robust(sender=Run, run_id=run_id, operation=operation, state=str(state))


ENDS_WITH = ("state", "result", "total", "total_exact", "reason_code", "reason_text", "reason_detail")
END: UpdateOne[Run] = UpdateOne(
    Run.objects.filter(pk=Given("id", Run)),
    **{name: Given(name, Run) for name in ENDS_WITH},
    live_key=None,
    waiting_key=None,
    revision=F("revision") + 1,
    finished_at=Now(),
    changed=NowMs(),
)


def nothing_succeeded(counts: Counts) -> tuple[str, str]:
    """The reason where all items failed, or some, and all others were skipped."""
    if not counts.skipped:
        return "every-item-failed", "Every item failed."
    return "nothing-succeeded", f"Nothing succeeded: {counts.failed:,} failed, {counts.skipped:,} skipped."


SHUT = Update(AS_WE_LEFT_IT, closed=True, token=None, due=None, retrying=0, seq=F("seq") + 1, changed=NowMs())
COUNT_DOWN = Update(Run.objects.filter(pk=Given("id", Run)), parts_left=Given("parts_left"))


def promote_next(concurrency_key: str) -> None:
    """The oldest run that waits for this key gets it. The key must be free, by this transaction at the latest."""
    waiting = NEXT(concurrency_key=concurrency_key)
    if waiting is None:
        return
    Run.objects.filter(pk=waiting.pk).update(
        state=after(State(waiting.state), Event.PROMOTE),
        live_key=concurrency_key,
        waiting_key=None,
        revision=waiting.revision + 1,
        changed=NowMs(),
    )
    Part.objects.filter(run=waiting).update(due=NowMs(), changed=NowMs())
    announce_due(waiting.operation)
    announce_change(waiting.pk)


NEXT = First(
    Run.objects.select_for_update(of=("self",), no_key=True)
    .filter(concurrency_key=Given("concurrency_key", Run), waiting_key__isnull=False)
    .order_by("created_at", "id")
)


def promote_stranded() -> None:
    """Runs that wait for a key that no run holds: there are none, unless a person has edited the tables by hand."""
    live = Run.objects.filter(live_key=OuterRef("concurrency_key"))
    stranded = Run.objects.filter(~Exists(live), waiting_key__isnull=False).order_by()
    for key in set(stranded.values_list("concurrency_key", flat=True)):
        with write():
            if not Run.objects.filter(live_key=key).exists():
                promote_next(key)
