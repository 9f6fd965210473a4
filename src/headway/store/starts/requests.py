"""A run to be, and its rows once it is."""

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headway import tracing
from headway.database import NowMs
from headway.database.statements import Insert
from headway.models import Kind, Part, Run
from headway.operations.concurrency import OnConflict
from headway.states import State

from .keys import Key


class Disposition(StrEnum):
    """What a start came to."""

    CREATED = "created"
    JOINED = "joined"
    QUEUED = "queued"
    REPLAYED = "replayed"


@dataclass(frozen=True)
class Request:
    """Everything that a run's row needs, and what is to happen when another one is in its way."""

    operation: str
    params: dict[str, Any]
    fingerprint: str
    key: str
    language: str
    form_fields: list[str] | None = None
    started_by_id: Any = None
    retry_of: Run | None = None
    holds: list[str] | None = None
    """The names that it holds while it is worked on, sorted; None: none."""
    dry_run: bool = False
    on_conflict: OnConflict = OnConflict.JOIN
    idempotency: Key | None = None
    upload_bytes: int = 0
    """Of the files that are stored for it."""
    is_bounded: bool = False
    """Whether its owner's quota counts: a person asks, and not the code itself."""
    may_replace: Callable[[Run], bool] = lambda run: True
    """Whether the caller may cancel a run that is in the way."""

    @property
    def waiting_key(self) -> str:
        """What only one waiting run may have: SHA-256 over key and parameters."""
        return hashlib.sha256(f"{self.key}:{self.fingerprint}".encode()).hexdigest()


def new_run(request: Request, **columns: Any) -> Run:
    """The run, not yet saved, with an id of its own: so that "did mine get in?" can be asked."""
    old = request.retry_of
    return Run(
        id=uuid.uuid4(),
        operation=request.operation,
        started_by_id=request.started_by_id,
        language=request.language,
        params=request.params,
        form_fields=request.form_fields,
        holds=request.holds,
        dry_run=request.dry_run,
        source=old.source if old else "",
        fingerprint=request.fingerprint,
        traceparent=tracing.traceparent(),
        concurrency_key=request.key,
        upload_bytes=request.upload_bytes or None,
        retry_of=old,
        root_id=(old.root_id or old.pk) if old else None,
        changed=NowMs(),
        **columns,
    )


def add_planning_part(run: Run) -> None:
    """What a worker claims first: at once, unless the run waits for another."""
    part = Part(run=run, kind=Kind.PLAN, lacks_holds=bool(run.holds))
    (NOT_YET if run.state == State.WAITING else AT_ONCE)(part)


AT_ONCE = Insert(Part, due=NowMs(), changed=NowMs())
NOT_YET = Insert(Part, due=None, changed=NowMs())


def hash_key(operation: str, concurrency_key: Any) -> str:
    """SHA-256 over the operation and its concurrency key, which may be any JSON value. Raises TypeError otherwise."""
    canonical = json.dumps([operation, concurrency_key], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
