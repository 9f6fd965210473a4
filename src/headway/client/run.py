"""A run as the API tells it: the JSON itself, typed. A server that is newer may tell more."""

from typing import Any, NotRequired, TypedDict


class Step(TypedDict):
    """Of a run that has steps in place of items: the one that is under way or comes next, and in the end the last."""

    name: str
    title: str
    number: int
    of: int
    under_way: bool
    done: float | None
    total: float | None
    percent: float | None
    eta_seconds: int | None


class Progress(TypedDict):
    """How far a run is. Counts add up: processed = succeeded + failed + skipped."""

    total: int | None
    total_exact: bool
    processed: int
    succeeded: int
    failed: int
    skipped: int
    retrying: int
    percent: float | None
    rate: float | None
    eta_seconds: int | None
    finishing: bool
    step: Step | None


class Reason(TypedDict):
    """Why a run paused, stopped or waits."""

    code: str
    text: str


class FailureCount(TypedDict):
    """How many items failed with one code."""

    code: str
    count: int


class RunLinks(TypedDict):
    """Addresses, without a host: they hold behind any proxy."""

    self: str
    events: str
    wait: str
    socket: str
    items: str
    failures: str
    results: NotRequired[str]
    file: NotRequired[str]


class Run(TypedDict):
    """A run, as it is at one moment. Decide by `done`: other states may come. Moments are RFC 3339."""

    id: str
    operation: str
    title: str
    state: str
    done: bool
    progress: Progress
    message: str
    reason: Reason | None
    stalled: bool
    resumes: int
    hooks_failed: int
    params: dict[str, Any]
    result: Any
    failure_summary: list[FailureCount]
    created_at: str
    started_at: str | None
    updated_at: str
    finished_at: str | None
    paused_seconds: float
    waiting_until: str | None
    actions: list[str]
    dry_run: bool
    retry_of: str | None
    retried_by: str | None
    revision: int
    links: RunLinks
