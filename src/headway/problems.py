"""RFC 9457: an error as `application/problem+json`, and which of Headway's errors is which problem."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpResponse

from headway import addresses, errors
from headway.database import is_lost, is_transient
from headway.runs.unmigrated import is_for_want_of_migrations

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Session realm="api"'  # a 401 must say how to sign in (RFC 9110, 15.5.2); an endpoint may name another
NO_LENGTH = "The request has no Content-Length."
TOO_LARGE = "The request has more data than are accepted here."
NAMESPACE = "urn:headway:problem:"  # absolute, as the RFC recommends, and the same wherever a project mounts us


@dataclass(frozen=True)
class Problem:
    """What all problems of one type have in common."""

    status: int
    title: str
    retry_after: int | None = None
    """Seconds, where trying again helps; an answer may say others."""


PROBLEMS = {
    "malformed": Problem(400, "The request can't be read"),
    "idempotency-key-invalid": Problem(400, "The idempotency key can't be taken"),
    "idempotency-key-required": Problem(400, "An idempotency key is required"),
    "unauthenticated": Problem(401, "Not signed in"),
    "forbidden": Problem(403, "Not allowed"),
    "not-found": Problem(404, "Not found"),
    "method-not-allowed": Problem(405, "This method has no meaning here"),
    "request-in-progress": Problem(409, "The first request with this key is at work", retry_after=1),
    "answer-not-kept": Problem(409, "It has been done, and its answer was not kept"),
    "run-conflict": Problem(409, "Another run is live"),
    "invalid-state": Problem(409, "The run's state doesn't allow this"),
    "nothing-to-retry": Problem(409, "There is nothing to retry"),
    "already-retried": Problem(409, "The run has been retried already"),
    "payload-too-large": Problem(413, "The request is too large"),
    "unsupported-media-type": Problem(415, "This content type isn't understood here"),
    "idempotency-key-reused": Problem(422, "The idempotency key was sent before, with something else"),
    "validation": Problem(422, "The parameters are not valid"),
    "rate-limited": Problem(429, "Too many requests", retry_after=1),
    "quota-exceeded": Problem(429, "The quota is used up", retry_after=60),
    "too-many-streams": Problem(429, "Too many streams are open", retry_after=5),
    "server-error": Problem(500, "The server made a mistake"),
    "overloaded": Problem(503, "The server can't answer now", retry_after=2),
    "not-migrated": Problem(503, "The database isn't ready for this version", retry_after=10),
}
ALWAYS: dict[str, dict[str, Any]] = {"overloaded": {"fallback": "poll"}}


def response(slug: str, detail: str, *, retry_after: int | None = None, **members: Any) -> HttpResponse:
    """The answer for a problem of this type; `members` are its own, beside those of the RFC.

    `retry_after` in seconds; otherwise the type's own, if it has one.
    """
    problem = PROBLEMS[slug]
    body = {"type": uri(slug), "title": problem.title, "status": problem.status, "detail": detail}
    return as_response(body | ALWAYS.get(slug, {}) | members, retry_after or problem.retry_after)


def as_response(body: dict[str, Any], retry_after: int | None) -> HttpResponse:
    """The answer with this body, whose `status` it has. `retry_after` in seconds."""
    # ASCII only: a detail may quote what was sent, half of a surrogate pair too.
    response = HttpResponse(json.dumps(body), MEDIA_TYPE, body["status"])
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    if response.status_code == 401:
        response["WWW-Authenticate"] = CHALLENGE
    response["Cache-Control"] = "no-store"
    return response


def uri(slug: str) -> str:
    """The `type` by which clients know the problem."""
    return NAMESPACE + slug


@dataclass(frozen=True)
class Rule:
    """How one kind of error is told: the problem's type, its sentence (the error's own, unless given), its members."""

    slug: str
    detail: str | None = None
    members: Callable[[Any], dict[str, Any]] = lambda error: {}


def naming(member: str, run_id: Any) -> dict[str, str]:
    """The run's address as this member; nothing where there is no run to name, or the API has no address."""
    address = addresses.of_api("run", run_id) if run_id else ""
    return {member: address} if address else {}


AWAY = Rule("overloaded", "The database can't answer now. Try again.")
UNMIGRATED = Rule("not-migrated", str(errors.NotMigrated()))

RULES: dict[type[Exception], Rule] = {
    errors.UnknownOperation: Rule("not-found", "There is no such operation."),  # its own sentence names the others
    errors.RunNotFound: Rule("not-found"),
    errors.Forbidden: Rule("forbidden"),
    errors.InvalidParams: Rule("validation", members=lambda error: {"errors": [asdict(one) for one in error.errors]}),
    errors.IdempotencyKeyInvalid: Rule("idempotency-key-invalid"),
    errors.IdempotencyKeyRequired: Rule("idempotency-key-required"),
    errors.IdempotencyKeyReused: Rule("idempotency-key-reused"),
    errors.NoKey: Rule("idempotency-key-required"),
    errors.NoCaller: Rule("unauthenticated"),
    errors.RequestInProgress: Rule("request-in-progress"),
    errors.AnswerNotKept: Rule("answer-not-kept"),
    errors.RunConflict: Rule("run-conflict", members=lambda error: naming("existing", error.existing)),
    errors.InvalidState: Rule(
        "invalid-state",
        members=lambda error: {"state": error.state, "actions": [str(action) for action in error.actions]},
    ),
    errors.StillNeeded: Rule(
        "invalid-state",
        members=lambda error: {"state": error.state, "actions": []} | naming("newest", error.newest),
    ),
    errors.QuotaExceeded: Rule("quota-exceeded"),
    errors.NothingToRetry: Rule("nothing-to-retry"),
    errors.AlreadyRetried: Rule("already-retried", members=lambda error: naming("newest", error.newest)),
    errors.UploadNotStored: Rule("overloaded"),
    errors.NotMigrated: UNMIGRATED,
}


def rule_of(error: Exception, rules: dict[type[Exception], Rule] = RULES) -> Rule | None:
    """The rule for this error, or for the nearest kind above it; None for an error that isn't Headway's."""
    return next((rules[kind] for kind in type(error).__mro__ if kind in rules), None)


def response_of(error: Exception, rule: Rule) -> HttpResponse:
    """The problem that tells the error."""
    return response(rule.slug, rule.detail or str(error), **rule.members(error))


def rule_of_database(error: BaseException) -> Rule | None:
    """The rule for what the database has refused: it is away or busy, or its tables aren't as this version needs them;
    None for anything else."""
    if is_lost(error) or is_transient(error):
        return AWAY
    return UNMIGRATED if is_for_want_of_migrations(error) else None
