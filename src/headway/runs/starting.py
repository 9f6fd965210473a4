"""Starting runs, and retrying them: what an operation's policy and the caller's rights make of a request."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.forms import BaseForm
from django.utils import translation

from headway.conf import conf
from headway.database import is_lost
from headway.errors import (
    AlreadyRetried,
    IdempotencyKeyInvalid,
    IdempotencyKeyRequired,
    InvalidParams,
    InvalidState,
    NothingToRetry,
    NotMigrated,
    ParamError,
    RunConflict,
    StartForbidden,
)
from headway.models import Run
from headway.operations import files, params, registry, schema
from headway.operations.base import Operation
from headway.operations.concurrency import OnConflict, names_of
from headway.operations.context import Context
from headway.states import ACTIONS, Action, State
from headway.store.announcing import announce_answer, announce_refusal
from headway.store.parts import planning
from headway.store.starts import keys, quotas, requests, submissions
from headway.store.starts.queueing import InTheWay
from headway.store.starts.requests import Disposition, Request

from . import arguments
from .access import is_permitted, may_see, may_steer, steered
from .unmigrated import is_for_want_of_migrations

NEW = (Disposition.CREATED, Disposition.QUEUED)
DRY = "dry run"
KEY = re.compile(r"[\x21-\x7e]{8,255}")


@dataclass(frozen=True)
class Started:
    """What a start came to: the run, and whether it was created by this call, joined, queued or replayed."""

    run: Run
    disposition: str
    """One of `Disposition`, as plain text: it goes into headers, where wsgiref takes no subclass of `str`."""


def start(
    operation: type[Operation] | str,
    given: dict[str, Any] | None = None,
    *,
    form: BaseForm | None = None,
    user: Any = None,
    idempotency_key: str | None = None,
    dry_run: bool = False,
) -> Started:
    """Start a run, or get the one that it would double: by the operation's `on_conflict`, or by the idempotency key.

    `given` holds the parameters, as JSON would or as Python values (dates, model instances, Django files), or as
    a `QueryDict` with texts and files, such as `request.data` of Django REST framework; they are cleaned by the
    operation's form here and never again. Instead of them a page gives its valid `form`: one of the operation's own
    class, or of a subclass that has fields of the page's own beside, is not cleaned a second time. One small
    transaction, whatever the number of items; a worker begins when it has committed.

    `dry_run`: what its items write to the run's own database is rolled back, and what became of them is kept.

    A `user` must have the permission that the operation names; where it names none, the caller has decided already.

    Raises UnknownOperation, StartForbidden, IdempotencyKeyError, InvalidParams, RunConflict, RunDeleted (of the
    key), QuotaExceeded, UploadNotStored, NotMigrated, and TypeError for an argument of a wrong kind; nothing is left
    behind then, no file either.
    """
    arguments.check(operation, form, user, idempotency_key)
    declared = registry.get(operation) if isinstance(operation, str) else operation
    check_permission(declared.name, user)
    check_key(declared, user, idempotency_key)
    check_dry_run(declared, dry_run)
    if form is None:
        given = {} if given is None else given
        accepted = params.clean(declared.form, given, user)
    else:
        given = accepted = params.of_page(declared.form, form, user)
    return announcing(declared.name, partial(begin, declared, given, accepted, user, idempotency_key, dry_run))


def begin(
    declared: type[Operation],
    given: dict[str, Any],
    accepted: dict[str, Any],
    user: Any,
    idempotency_key: str | None,
    dry_run: bool,
) -> tuple[Run, Disposition]:
    """What `start` comes to, once it is clear that this user may start it with these parameters."""
    if user is not None:
        files.check_size(accepted, conf().max_upload_bytes)
    cleaned, stored = files.store(accepted)
    keep = False
    try:
        request = request_of(declared, given, cleaned, user, idempotency_key, dry_run)
        request = replace(request, upload_bytes=sum(file.size for file in stored))
        run, disposition = submissions.submit(request)
        keep = disposition in NEW
    except InTheWay as error:
        visible = error.run.pk if may_see(error.run, user) else None
        raise RunConflict(declared.name, visible, "and it isn't yours to replace") from error
    except DatabaseError as error:
        keep = is_lost(error)  # the run may be there, so its file must stay
        if is_for_want_of_migrations(error):
            raise NotMigrated from error
        raise
    finally:
        if not keep:
            files.discard(stored)  # the loser's upload: the live run has its own, or there is none
    if disposition == Disposition.JOINED:
        return join(declared, run, request, user)
    if disposition == Disposition.REPLAYED and not may_see(run, user):
        raise RunConflict(declared.name, None, "and it isn't yours to see any more")  # a right may have been withdrawn
    return run, disposition


def retry(run: Run | UUID | str, *, user: Any = None) -> Started:
    """Start a new run over the items that failed, and over those that were not reached; once for each run.

    Raises RunNotFound, Forbidden, StartForbidden, InvalidState (it hasn't ended), NothingToRetry, AlreadyRetried
    (naming the newest of the chain; while that one is live it is joined instead), RunConflict (another run has its
    concurrency key), QuotaExceeded (the owner's).
    """
    old = steered(run, user)
    name = registry.current_name(old.operation)
    check_permission(name, user)
    if not old.is_done:
        raise InvalidState(Action.RETRY, old.state, ACTIONS[State(old.state)])
    return announcing(name, partial(begin_retry, old, user))


def begin_retry(old: Run, user: Any) -> tuple[Run, Disposition]:
    """What `retry` comes to, once it is clear that this user may retry this run, which has ended."""
    ranges, unplanned = planning.left_by(old.pk)
    if not ranges and not unplanned:
        raise NothingToRetry(old.pk)
    request = Request(
        operation=registry.current_name(old.operation),
        params=old.params,
        form_fields=old.form_fields,
        fingerprint=params.fingerprint(old.params, str(old.pk)),
        key=old.concurrency_key,
        language=old.language,
        started_by_id=old.started_by_id,
        is_bounded=user is not None,
        retry_of=old,
        holds=old.holds,
        dry_run=old.dry_run,
    )
    there, disposition = submissions.submit(request)
    if disposition == Disposition.CREATED:
        return there, disposition
    newest = submissions.newest_of(old)
    if newest is None:
        visible = there.pk if may_see(there, user) else None
        raise RunConflict(request.operation, visible, "and has the same concurrency key")
    if newest.is_done:
        raise AlreadyRetried(old.pk, newest.pk)
    return newest, Disposition.JOINED


def announcing(operation: str, begin: Callable[[], tuple[Run, Disposition]]) -> Started:
    """What `begin` came to. `start_answered` is sent at its commit or, when another run stood in the way, at once."""
    try:
        run, disposition = begin()
    except (RunConflict, AlreadyRetried):
        announce_refusal(operation)
        raise
    started = Started(run, str(disposition))
    announce_answer(operation, started.disposition, run.pk)
    return started


def check_permission(name: str, user: Any) -> None:
    """Raises StartForbidden. What isn't declared any more wants nothing; its run will say so."""
    declared = registry.find(name)
    if declared and not is_permitted(declared, user):
        raise StartForbidden(name, declared.permission)


def check_key(declared: type[Operation], user: Any, key: str | None) -> None:
    """Raises IdempotencyKeyInvalid and, for anybody but code, IdempotencyKeyRequired."""
    if key is not None and not KEY.fullmatch(key):
        raise IdempotencyKeyInvalid
    wanted = declared.require_idempotency_key or conf().require_idempotency_key
    if key is None and user is not None and wanted:
        raise IdempotencyKeyRequired(declared.name)


def check_dry_run(declared: type[Operation], wanted: bool) -> None:
    """Raises InvalidParams where a dry run is wanted and can't be had."""
    if wanted and not declared.has_dry_run():
        what = "steps" if declared.has_steps() else "effects outside the database"
        detail = f"A dry run was asked for, but {declared.name} has {what}, which can't be undone. Start it without."
        raise InvalidParams([ParamError("", "dry-run", detail)])


def request_of(
    declared: type[Operation],
    given: dict[str, Any],
    cleaned: dict[str, Any],
    user: Any,
    idempotency_key: str | None,
    dry_run: bool,
) -> Request:
    """What the store is asked for. Raises InvalidParams for a value that can't be stored."""
    owner = user if user is not None and user.is_authenticated else None  # a visitor owns nothing, and sees nothing
    encoded = params.encode(cleaned)
    identifying = params.chosen(declared.form, given, encoded)
    context = Context(cleaned, owner, params.fingerprint(identifying))
    principal = "" if owner is None else str(owner.pk)
    named = None
    if idempotency_key is not None:
        what = [lasting_name(declared), *([DRY] if dry_run else [])]
        named = keys.Key(principal, idempotency_key, params.fingerprint(identifying, *what))
    return Request(
        operation=declared.name,
        params=encoded,
        form_fields=list(schema.fields_of(declared.form)),
        fingerprint=context.fingerprint,
        key=key_of(declared, context, dry_run),
        language=translation.get_language() or settings.LANGUAGE_CODE,
        started_by_id=None if owner is None else owner.pk,
        holds=holds_of(declared, context),
        dry_run=dry_run,
        is_bounded=user is not None,
        on_conflict=OnConflict(declared.on_conflict),
        idempotency=named,
        may_replace=partial(may_steer, user=user),
    )


def key_of(declared: type[Operation], context: Context, dry_run: bool) -> str:
    """The hash of the operation's concurrency key. Raises InvalidParams when it can't be made a JSON value.

    Under `allow` each run has a key of its own, so that nothing is ever in its way. Dry runs have keys of their own:
    none joins a run that changes something, waits for it or replaces it, nor the other way round.
    """
    name = lasting_name(declared) + (f" {DRY}" if dry_run else "")  # no name has a blank
    if declared.on_conflict == OnConflict.ALLOW:
        return requests.hash_key(name, str(uuid.uuid4()))
    key = declared(context).concurrency_key()
    try:
        return requests.hash_key(name, key)
    except TypeError as error:
        detail = f"concurrency_key() of {declared.name} gave {key!r:.200}, which is not a JSON value; give text."
        raise InvalidParams([ParamError("", "concurrency-key", detail)]) from error


def holds_of(declared: type[Operation], context: Context) -> list[str] | None:
    """The names that the run is to hold. Raises InvalidParams when they can't be names."""
    holds = declared.holds
    if callable(holds):
        holds = declared(context).holds()
    try:
        return names_of(holds) or None
    except ValueError as error:
        raise InvalidParams([ParamError("", "holds", f"holds() of {declared.name}: {error}")]) from error


def lasting_name(declared: type[Operation]) -> str:
    """The name that goes into keys: the oldest, so that a run which was started under it is found under every other,
    also by the processes that still run the old code."""
    return declared.names()[0]


def join(declared: type[Operation], run: Run, request: Request, user: Any) -> tuple[Run, Disposition]:
    """The run that is there instead of a new one, where the operation's policy and the caller's rights allow it.

    From now on the idempotency key, if there is one, names this run.
    """
    visible = run.pk if may_see(run, user) else None
    if why := refusal(declared, run, request, visible):
        if request.idempotency and (named := keys.replayed(request.idempotency)):
            return named, Disposition.REPLAYED  # the same start was quicker: what is in the way is its run
        raise RunConflict(declared.name, visible, why)
    if request.idempotency and user is not None:
        quotas.check_keys(request.idempotency, run)
    if request.idempotency and (named := keys.remember(request.idempotency, run)):
        return named, Disposition.REPLAYED
    return run, Disposition.JOINED


def refusal(declared: type[Operation], run: Run, request: Request, visible: UUID | None) -> str | None:
    """Why this request can't have the run that is there; None: it can."""
    if declared.on_conflict == OnConflict.REJECT:
        return "and it allows one at a time"
    if run.fingerprint != request.fingerprint:
        return "as a retry of an earlier run" if run.retry_of_id else "with other parameters"
    return "and it isn't yours to join" if visible is None else None
