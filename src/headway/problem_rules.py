"""Which of Headway's errors is which problem: for the API, and for a project's own views."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpResponse

from headway import addresses, errors, problems

__all__ = ["Rule", "response_of", "rule_of"]


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


RULES: dict[type[Exception], Rule] = {
    errors.UnknownOperation: Rule("not-found", "There is no such operation."),  # its own sentence names the others
    errors.RunNotFound: Rule("not-found"),
    errors.Forbidden: Rule("forbidden"),
    errors.InvalidParams: Rule("validation", members=lambda error: {"errors": [asdict(one) for one in error.errors]}),
    errors.IdempotencyKeyInvalid: Rule("idempotency-key-invalid"),
    errors.IdempotencyKeyRequired: Rule("idempotency-key-required"),
    errors.IdempotencyKeyReused: Rule("idempotency-key-reused"),
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
    errors.NotMigrated: Rule("overloaded"),
}


def rule_of(error: Exception, rules: dict[type[Exception], Rule] = RULES) -> Rule | None:
    """The rule for this error, or for the nearest kind above it; None for an error that isn't Headway's."""
    return next((rules[kind] for kind in type(error).__mro__ if kind in rules), None)


def response_of(error: Exception, rule: Rule) -> HttpResponse:
    """The problem that tells the error."""
    return problems.response(rule.slug, rule.detail or str(error), **rule.members(error))
