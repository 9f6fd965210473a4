"""Pausing, resuming, cancelling and deleting runs; settling items in doubt, and the keys by which the other side knows
their effects."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from headway.errors import AlreadyRetried, InvalidState
from headway.models import Run
from headway.operations.effects import Effects
from headway.states import ACTIONS, State
from headway.store.parts import flights
from headway.store.runs import control
from headway.store.runs.control import Reason
from headway.store.starts import submissions
from headway.store.upkeep import removals

from .access import get, steered


def pause(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Ask the run to come to rest; it does within a second or one item. Raises RunNotFound, Forbidden, InvalidState."""
    return control.ask_pause(steered(run, user).pk, Reason("paused", said("Paused", user)))


def cancel(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Ask the run to end as cancelled; what is done stays done. Raises RunNotFound, Forbidden, InvalidState."""
    return control.ask_cancel(steered(run, user).pk, Reason("cancelled", said("Cancelled", user)))


def resume(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Let the run go on at the item where it stopped. Raises RunNotFound, Forbidden, InvalidState."""
    return control.ask_resume(steered(run, user).pk)


def settle(run: Run | UUID | str, *, went_out: bool, keys: Collection[str] | None = None, user: Any = None) -> int:
    """Say of the run's items in doubt, of those with these `keys` or of all, whether they went out; gives of how many.

    Those that went out are left alone from then on; the others are done again when the run is retried. The run's own
    counts stay, as it has ended: what changes is the code with which these items failed, "went-out" or "not-sent".
    Raises RunNotFound, Forbidden, InvalidState (it has neither ended nor paused), AlreadyRetried (say it of the newest
    run of the chain, where they are listed again).
    """
    found = steered(run, user)
    newest = submissions.newest_of(found)
    if newest is not None:
        raise AlreadyRetried(found.pk, newest.pk, "settle")
    return control.settle(found.pk, flights.WENT_OUT if went_out else flights.NOT_SENT, keys)


def effect_key(run: Run | UUID | str, key: str, name: str) -> str:
    """What `self.effect(name).key` is for the run's item with this key, as in `outcome.key`: the same in its retries.
    Raises RunNotFound."""
    found = get(run)
    return Effects(found.root_id or found.pk, key)(name).key


def delete(run: Run | UUID | str, *, user: Any = None) -> None:
    """Delete a run that has ended, with its outcomes, and with its files once no run of its retry chain is left.

    From then on no user sees it. Its rows are removed in bites, so that no other write waits long: for some seconds
    here, the rest by the workers. Its idempotency keys stay until a day after its end, and start nothing anew.
    Raises RunNotFound, Forbidden, InvalidState (it hasn't ended), StillNeeded (a later run retries it).
    """
    ended = steered(run, user)
    if not ended.is_done:
        raise InvalidState("be deleted", ended.state, ACTIONS[State(ended.state)])
    removals.delete(ended.pk)
    transaction.on_commit(removals.clear_away)


def said(what: str, user: Any) -> str:
    return f"{what} by {user.get_username()}." if user is not None else f"{what}."
