"""Standing in line behind the live run of a key: `queue` and `replace`."""

from collections.abc import Iterable

from headway.database import write
from headway.models import Run
from headway.operations.concurrency import OnConflict
from headway.states import State
from headway.store.announcing import announce_change
from headway.store.locks import take_turn
from headway.store.runs import control
from headway.store.runs.control import Reason

from . import keys, quotas
from .requests import Disposition, Request, add_planning_part, new_run

REPLACED = Reason("replaced", "Another run was started in its place.")


class InTheWay(Exception):
    """A run that would have to be replaced isn't the caller's to cancel."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(f"Run {run.pk} is in the way.")


def stand_in_line(request: Request, by_turns: bool = False) -> tuple[Run, Disposition] | None:
    """(the new run, queued) or (the identical one that waits already, joined); None when the live run has just ended.

    The live run is locked first, so that it can't end between our look and our insert, and leave us waiting for ever.
    `by_turns`: a start that got None asks so the next time, since others may end each live run that it finds. Not at
    once: who has locked the run already, in a transaction of the caller's, would wait for one who waits for that run.
    Raises InTheWay, Overtaken, QuotaExceeded.
    """
    with write():
        if by_turns:
            take_turn(request.key)
        live = Run.objects.select_for_update(of=("self",), no_key=True).filter(live_key=request.key).order_by().first()
        if live is None:
            return None
        if same := Run.objects.filter(waiting_key=request.waiting_key).order_by().first():
            return same, Disposition.JOINED
        if request.on_conflict == OnConflict.REPLACE:
            line = Run.objects.filter(concurrency_key=request.key, waiting_key__isnull=False)
            clear(line.order_by("created_at", "id"), request)
        run = new_run(request, state=State.WAITING, waiting_key=request.waiting_key)
        run.save(force_insert=True)
        quotas.check_new(request, run)
        add_planning_part(run)
        announce_change(run.pk)
        if request.idempotency:
            keys.claim(request.idempotency, run)
        if request.on_conflict == OnConflict.REPLACE:
            clear([live], request)  # where nobody owns a part of it, it ends here and now, and the new run is live
        run.refresh_from_db()
        return run, Disposition.QUEUED if run.state == State.WAITING else Disposition.CREATED


def clear(runs: Iterable[Run], request: Request) -> None:
    """Cancel these runs in favour of the new one. Raises InTheWay."""
    for run in runs:
        if not request.may_replace(run):
            raise InTheWay(run)
        control.ask_cancel(run.pk, REPLACED)
