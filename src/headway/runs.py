"""Starting and steering runs: the one API for code, HTTP, the admin and the shell.

`user=None` means the code itself, which may do everything; anybody else sees and steers their own runs, and others'
with the permissions `headway.view_run` and `headway.change_run`. Runs are given as themselves or by their id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction
from django.utils import translation

from headway import engines
from headway.errors import (
    AlreadyRetried,
    Forbidden,
    InvalidParams,
    InvalidState,
    NothingToRetry,
    NotMigrated,
    ParamError,
    RunConflict,
    RunNotFound,
)
from headway.models import Run
from headway.operations import files, params, registry
from headway.operations.base import Operation
from headway.operations.context import Context
from headway.states import ACTIONS, Action, State
from headway.store import control, planning, submissions
from headway.store.control import Reason
from headway.store.database import is_lost
from headway.store.submissions import Disposition, Request

__all__ = ["Disposition", "Started", "cancel", "get", "may_see", "may_steer", "pause", "resume", "retry", "start"]


@dataclass(frozen=True)
class Started:
    """What a start came to: the run, and whether it was created by this call or joined."""

    run: Run
    disposition: Disposition


def start(operation: type[Operation] | str, given: dict[str, Any] | None = None, *, user: Any = None) -> Started:
    """Start a run, or join the live one that has the same concurrency key and the same parameters.

    `given` holds the parameters, as JSON would or as Python values (dates, model instances, Django files); they are
    cleaned by the operation's form here and never again. One small transaction, whatever the number of items; a
    worker begins when it has committed.

    Raises UnknownOperation, InvalidParams, RunConflict, NotMigrated; nothing is left behind then, no file either.
    """
    declared = registry.get(operation) if isinstance(operation, str) else operation
    owner = user if user is not None and user.is_authenticated else None  # a visitor owns nothing, and sees nothing
    cleaned, stored = files.store(params.clean(declared.form, given or {}))
    keep = False
    try:
        encoded = params.encode(cleaned)
        request = Request(
            operation=declared.name,
            params=encoded,
            fingerprint=params.fingerprint(encoded),
            key=key_of(declared, cleaned, owner),
            language=translation.get_language() or settings.LANGUAGE_CODE,
            started_by_id=None if owner is None else owner.pk,
        )
        with telling_if_not_migrated():
            run, created = submissions.submit(request)
        keep = created
    except DatabaseError as error:
        keep = is_lost(error)  # whether the run is there nobody knows, so its file must stay
        raise
    finally:
        if not keep:
            files.discard(stored)  # the loser's upload: the live run has its own, or there is none
    if created:
        transaction.on_commit(engines.ring)
        return Started(run, Disposition.CREATED)
    return join(declared, run, request, user)


def get(run: Run | UUID | str, *, user: Any = None) -> Run:
    """The run as it is now. Raises RunNotFound, for a run that `user` may not see as well."""
    run_id = run.pk if isinstance(run, Run) else run
    try:
        found = Run.objects.filter(pk=UUID(str(run_id))).first()
    except ValueError:
        found = None
    if found is None or not may_see(found, user):
        raise RunNotFound(run_id)
    return found


def pause(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Ask the run to come to rest; it does within a second or one item. Raises RunNotFound, Forbidden, InvalidState."""
    return control.ask_pause(steered(run, user).pk, Reason("paused", said("Paused", user)))


def cancel(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Ask the run to end as cancelled; what is done stays done. Raises RunNotFound, Forbidden, InvalidState."""
    return control.ask_cancel(steered(run, user).pk, Reason("cancelled", said("Cancelled", user)))


def resume(run: Run | UUID | str, *, user: Any = None) -> Run:
    """Let the run go on at the item where it stopped. Raises RunNotFound, Forbidden, InvalidState."""
    resumed = control.ask_resume(steered(run, user).pk)
    transaction.on_commit(engines.ring)
    return resumed


def retry(run: Run | UUID | str, *, user: Any = None) -> Started:
    """Start a new run over the items that failed, and over those that were not reached; once for each run.

    Raises RunNotFound, Forbidden, InvalidState (it hasn't ended), NothingToRetry, AlreadyRetried (naming the newest of
    the chain; while that one is live it is joined instead), RunConflict (another run has its concurrency key).
    """
    old = steered(run, user)
    if not old.is_done:
        raise InvalidState(Action.RETRY, old.state, ACTIONS[State(old.state)])
    ranges, unplanned = planning.left_by(old.pk)
    if not ranges and not unplanned:
        raise NothingToRetry(old.pk)
    request = Request(
        operation=old.operation,
        params=old.params,
        fingerprint=params.fingerprint(old.params, str(old.pk)),
        key=old.concurrency_key,
        language=old.language,
        started_by_id=old.started_by_id,
        retry_of=old,
    )
    there, created = submissions.submit(request)
    if created:
        transaction.on_commit(engines.ring)
        return Started(there, Disposition.CREATED)
    newest = newest_of(old)
    if newest.pk == old.pk:
        visible = there.pk if may_see(there, user) else None
        raise RunConflict(old.operation, visible, "and has the same concurrency key")
    if newest.is_done:
        raise AlreadyRetried(old.pk, newest.pk)
    return Started(newest, Disposition.JOINED)


def may_see(run: Run, user: Any) -> bool:
    """Its owner, whoever has headway.view_run, and code."""
    return user is None or owns(run, user) or user.has_perm("headway.view_run")


def may_steer(run: Run, user: Any) -> bool:
    """Its owner, whoever has headway.change_run, and code."""
    return user is None or owns(run, user) or user.has_perm("headway.change_run")


def owns(run: Run, user: Any) -> bool:
    return run.started_by_id is not None and run.started_by_id == user.pk


def steered(run: Run | UUID | str, user: Any) -> Run:
    """The run, if `user` may steer it. Raises RunNotFound, Forbidden."""
    found = get(run, user=user)
    if not may_steer(found, user):
        raise Forbidden(found.pk)
    return found


def said(what: str, user: Any) -> str:
    return f"{what} by {user.get_username()}." if user is not None else f"{what}."


def key_of(declared: type[Operation], cleaned: dict[str, Any], user: Any) -> str:
    """The hash of the operation's concurrency key. Raises InvalidParams when it can't be made a JSON value."""
    key = declared(Context(params=cleaned, user=user)).concurrency_key()
    try:
        return submissions.hash_key(declared.name, key)
    except TypeError as error:
        detail = f"concurrency_key() of {declared.name} gave {key!r:.200}, which is not a JSON value; give text."
        raise InvalidParams([ParamError("", "concurrency-key", detail)]) from error


def join(declared: type[Operation], run: Run, request: Request, user: Any) -> Started:
    """The live run instead of a new one, where the operation's policy and the caller's rights allow it."""
    visible = run.pk if may_see(run, user) else None
    if declared.on_conflict == "reject":
        raise RunConflict(declared.name, visible, "and it allows one at a time")
    if run.fingerprint != request.fingerprint:
        why = "as a retry of an earlier run" if run.retry_of_id else "with other parameters"
        raise RunConflict(declared.name, visible, why)
    if visible is None:
        raise RunConflict(declared.name, None, "and it isn't yours to join")
    return Started(run, Disposition.JOINED)


def newest_of(run: Run) -> Run:
    """The end of a chain of retries."""
    while later := submissions.retried_as(run.pk):
        run = later
    return run


@contextmanager
def telling_if_not_migrated() -> Iterator[None]:
    """Raises NotMigrated where the database's error means that our tables aren't there."""
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        if not connection.in_atomic_block and Run._meta.db_table not in connection.introspection.table_names():
            raise NotMigrated from error
        raise
