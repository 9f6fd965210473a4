"""Everything that Headway raises for its callers.

HeadwayError
├── DeclarationError    an operation is declared wrongly (raised when its class is made)
├── UnknownOperation    no operation has this name
├── InvalidParams       the parameters don't fit the operation's form
├── IdempotencyKeyError  the idempotency key can't be taken
│   ├── IdempotencyKeyInvalid    it isn't 8 to 255 visible ASCII characters
│   ├── IdempotencyKeyRequired   there is none, and the operation or the project wants one
│   └── IdempotencyKeyReused     it was sent before, with something else
├── RunNotFound         there is no such run, or it isn't yours
│   └── RunDeleted      the run that an idempotency key started is deleted
├── Forbidden           the caller may not do this: steer another's run
│   └── StartForbidden  or start this operation
├── RunConflict         another run holds the concurrency key
├── InvalidState        the run's state doesn't allow this
│   └── StillNeeded     a later run retries it, so it can't be deleted
├── QuotaExceeded       the caller has piled up as much as one person may
├── NotKept             what an item gives away can't be stored, so the item fails
├── NothingToRetry      no item of the run failed or was left
├── AlreadyRetried      the run has been retried; the newest of its chain is named
├── Explained           a run pauses, and people may read this sentence as its reason
│   ├── ChangedMeanwhile    what it was started with, or began over, isn't as it was
│   └── MissingParam        its code asks for a parameter that it hasn't (also a KeyError)
├── UploadNotStored     the storage doesn't take an upload
└── NotMigrated         Headway's tables are missing
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

__all__ = [
    "AlreadyRetried",
    "ChangedMeanwhile",
    "DeclarationError",
    "Explained",
    "Forbidden",
    "HeadwayError",
    "IdempotencyKeyError",
    "IdempotencyKeyInvalid",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "InvalidParams",
    "InvalidState",
    "MissingParam",
    "NotKept",
    "NotMigrated",
    "NothingToRetry",
    "ParamError",
    "QuotaExceeded",
    "RunConflict",
    "RunDeleted",
    "RunNotFound",
    "StartForbidden",
    "StillNeeded",
    "UnknownOperation",
    "UploadNotStored",
]


MOST_ERRORS = 100  # that one answer tells: a body of a megabyte may have a hundred thousand
LONGEST_TEXT, LONGEST_WORD = 500, 64  # characters of a sentence, of a code


class HeadwayError(Exception):
    """The base of all errors that Headway raises on purpose."""


class DeclarationError(HeadwayError, TypeError):
    """An operation is declared wrongly; the message names the class, what is wrong and what is right."""


class UnknownOperation(HeadwayError):
    """No operation has this name; the message says which are close."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(
            f"There is no operation {name!r}. {hint(name, known)} Operations are found in operations.py of each "
            "installed app; one that was renamed keeps its old name in `aliases`."
        )


def hint(name: str, known: Iterable[str]) -> str:
    """Which of the known names was meant; where none is close, all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known) or 'none'}."


@dataclass(frozen=True)
class ParamError:
    """One thing that is wrong: where (a JSON pointer into the parameters, "" for the whole), its code, its sentence."""

    pointer: str
    code: str
    detail: str

    def shortened(self) -> "ParamError":
        """The same, however much of what was sent it quotes."""
        return ParamError(shortened(self.pointer), self.code[:LONGEST_WORD], shortened(self.detail))


class InvalidParams(HeadwayError):
    """The parameters don't fit the operation's form; `errors` has the reasons: at most 100, each shortened."""

    def __init__(self, errors: Sequence[ParamError]) -> None:
        self.errors = tuple(error.shortened() for error in at_most(MOST_ERRORS, errors))
        said = (f"{error.pointer.lstrip('/')}: {error.detail}".removeprefix(": ") for error in self.errors)
        super().__init__(shortened(re.sub(r"([.!?…]); ", r"\1 ", "; ".join(said))))


def at_most(count: int, errors: Sequence[ParamError]) -> Sequence[ParamError]:
    """These, or the first ones and how many there are beside."""
    if len(errors) <= count:
        return errors
    return [*errors[: count - 1], ParamError("", "more", f"{len(errors) - count + 1:,} more are wrong.")]


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


class RunNotFound(HeadwayError):
    """There is no such run, or the caller may not see it."""

    def __init__(self, run_id: object) -> None:
        super().__init__(f"There is no run {str(run_id)!r}.")


class RunDeleted(RunNotFound):
    """The run that this idempotency key started has been deleted; the key is kept for a day after its end."""

    def __init__(self, key: str) -> None:
        Exception.__init__(
            self, f"The run that the idempotency key {key!r} started has been deleted. Take another key to start again."
        )


class Forbidden(HeadwayError):
    """The caller may see the run, but not steer it."""

    permission: str | None = "headway.change_run"
    """What it takes; None: to be one of the staff."""

    def __init__(self, run_id: object) -> None:
        super().__init__(
            f"Run {run_id} was started by somebody else; steering it takes the permission {self.permission}."
        )


class StartForbidden(Forbidden):
    """The caller may not start this operation."""

    def __init__(self, operation: str, permission: str | None) -> None:
        self.operation, self.permission = operation, permission
        text = f"Only staff may start {operation}, since it declares no `permission`."
        if permission == "signed-in":
            text = f"Sign in to start {operation}."
        elif permission:
            text = f"Starting {operation} takes the permission {permission}."
        HeadwayError.__init__(self, text)


class IdempotencyKeyError(HeadwayError):
    """The idempotency key can't be taken."""


class IdempotencyKeyInvalid(IdempotencyKeyError):
    """It isn't 8 to 255 visible ASCII characters."""

    def __init__(self) -> None:
        super().__init__(
            "An idempotency key has 8 to 255 visible ASCII characters, such as a UUID, and quotes if it has a comma."
        )


class IdempotencyKeyRequired(IdempotencyKeyError):
    """There is none, and the operation or the project wants one."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"Starting {operation} takes an idempotency key: 8 to 255 visible ASCII characters, such as a UUID, new "
            "for each start and the same when it is sent again."
        )


class IdempotencyKeyReused(IdempotencyKeyError):
    """It was sent before, with another operation or other parameters; to a view, with another `difference`."""

    def __init__(self, key: str, difference: str = "operation or other parameters") -> None:
        super().__init__(
            f"The idempotency key {key!r} was sent before, with another {difference}. "
            "Use a new key for each new request."
        )


class NoKey(IdempotencyKeyError):
    """A request to a view that is `idempotent` has none."""

    def __init__(self) -> None:
        super().__init__(
            "This request takes an idempotency key, as the header Idempotency-Key: 8 to 255 visible ASCII characters, "
            "such as a UUID, new for each request and the same when it is sent again."
        )


class NoCaller(HeadwayError):
    """Keys belong to their caller, and nobody is signed in."""

    def __init__(self) -> None:
        super().__init__("An idempotency key belongs to who sends it: sign in.")


class RequestInProgress(HeadwayError):
    """Another request with this key is at work."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The first request with the idempotency key {key!r} is at work. Send it again in a moment.")


class AnswerNotKept(HeadwayError):
    """The request has been carried out; its answer was streamed, or too long to be kept."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The request with the idempotency key {key!r} has been carried out, once. Its answer was not kept, as it "
            "was streamed or longer than 1 MiB: ask for what it made."
        )


class RunConflict(HeadwayError):
    """Another run of this operation holds the concurrency key; `existing` is its id (None: not to be seen)."""

    def __init__(self, operation: str, existing: UUID | None, why: str) -> None:
        self.existing = existing
        super().__init__(
            f"Run {existing} of {operation} is live, {why}. Wait for its end, or cancel it."
            if existing
            else f"Somebody else's run of {operation} is live. Wait for its end."
        )


class InvalidState(HeadwayError):
    """The run's state doesn't allow this; `state` says where it is, `actions` what it does allow."""

    def __init__(self, action: str, state: str, actions: Sequence[str]) -> None:
        self.state, self.actions = state, tuple(map(str, actions))
        allowed = f"It can be asked to: {', '.join(actions)}." if actions else "Nothing can be asked of it now."
        super().__init__(f"The run is {state}, so it can't be asked to {action}. {allowed}")


class StillNeeded(InvalidState):
    """A later run retries this one and reads its failures, so it can't be deleted; `newest` may be."""

    def __init__(self, run_id: UUID, state: str, newest: UUID) -> None:
        self.state, self.actions, self.newest = state, (), newest
        HeadwayError.__init__(
            self, f"Run {run_id} has been retried. Delete the newest run of its chain first: {newest}."
        )


class QuotaExceeded(HeadwayError):
    """The caller has piled up as much as one person may; `what` is runs, uploads or keys, `limit` how much of it."""

    def __init__(self, what: Literal["runs", "uploads", "keys"], limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(
            {
                "runs": f"You have {limit:,} runs that have not ended, and may have no more. Wait for their end, or "
                "cancel some.",
                "uploads": f"The files of your runs would take more than {limit:,} bytes. Delete runs that you need no "
                "longer.",
                "keys": f"You have joined this run under {limit:,} idempotency keys. Use one key for one start.",
            }[what]
        )


class NothingToRetry(HeadwayError):
    """No item of the run failed, but for what went out all the same, and none was left."""

    def __init__(self, run_id: UUID) -> None:
        super().__init__(
            f"Run {run_id} has no failed item to do again and left none out, so there is nothing to retry."
        )


class AlreadyRetried(HeadwayError):
    """A run is retried once; `newest` is the end of its chain, to be retried (or settled) instead."""

    def __init__(self, run_id: UUID, newest: UUID, asked: str = "retry") -> None:
        self.newest = newest
        newest_of = f"{asked.capitalize()} the newest run of its chain instead: {newest}."
        super().__init__(f"Run {run_id} has been retried already. {newest_of}")


class Explained(HeadwayError):
    """A run can't go on, and people may read why: the sentence is a part of the reason for which it pauses."""


class ChangedMeanwhile(Explained, LookupError):
    """What a run was started with, or began over, isn't as it was: deleted, cut short, or replaced by a deploy."""


class MissingParam(Explained, KeyError):
    """The operation's code asks for a parameter that the run was started without: that is no item's fault."""

    def __init__(self, name: object, known: Iterable[str] = ()) -> None:
        self.name, self.known = name, known
        super().__init__(name)

    def __str__(self) -> str:
        asked = f"This run was started without a parameter {self.name!r}, for which its code asks."
        return f"{asked} {hint(str(self.name), self.known)}"


class NotKept(HeadwayError, TypeError):
    """An item's result, or a row that it writes, can't be stored; the item fails with this code and sentence."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class UploadNotStored(HeadwayError):
    """The storage doesn't take an upload: it is full, or can't be reached. Its own error is the cause."""

    def __init__(self, original: str) -> None:
        super().__init__(f"The file {original!r} can't be stored now, so nothing was started. Try again.")


class NotMigrated(HeadwayError):
    """Headway's tables are missing in the database."""

    def __init__(self) -> None:
        super().__init__("Headway's tables are missing or out of date. Run `python manage.py migrate` and try again.")
