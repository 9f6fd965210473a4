"""When a run stops by itself (too many failures, or all alike), and when a part waits because what it calls is down;
and which item is left out, since it has killed its workers, or met faults of the database, too often."""

from collections import Counter

from headway.models import ItemOutcome, ItemState, Part
from headway.operations.base import Operation
from headway.operations.kept import BAD_KEY, BAD_RESULT, BAD_ROW
from headway.operations.outcomes import TryAgain
from headway.store.parts.flights import IN_DOUBT, in_doubt
from headway.store.parts.leases import SLOW_ITEM_MS
from headway.store.runs.control import FAILURE_LIMIT, Reason
from headway.store.runs.endings import counts_of

from .feed import LARGEST
from .tally import Left, Tally

ALIKE = 50  # items that fail with the same unexpected error: the operation is broken, or what it stands on
ODD = 5  # of them may have failed otherwise: one bad row among them changes nothing
UNEXPECTED = ("error", BAD_KEY, BAD_RESULT, BAD_ROW, IN_DOUBT)  # codes that no operation has given
STEP_FAILED = "step-failed"
DOWN_AFTER = 50  # items in a row to be tried again: what they call is down
GUILTY_AFTER = 4  # setbacks at one place: the item in hand is the cause, as the last ones met it alone
MOST_GUILTY = 3  # items of a part that may be left out so before a person should look
POISON_DEATHS = 2  # with the two before anybody was careful: four
POISON_DEATHS_SLOW = 3  # with the one before: four; an item of over a second is more often hit than at fault


def most_at_once(part: Part, operation: Operation) -> int:
    """How many items may be done before it is looked again whether to go on."""
    if part.faults_in_a_row >= DOWN_AFTER:
        return 1
    if operation.tolerance is None and not (part.succeeded or part.skipped) and part.failed < ALIKE:
        return ALIKE - part.failed
    return LARGEST


def failures_at_once(part: Part, operation: Operation) -> int:
    """How many items may fail before it is looked again whether to go on."""
    most = operation.tolerance.count if operation.tolerance else None
    borne = DOWN_AFTER if most is None else most + 1 - part.failed
    return max(1, min(DOWN_AFTER - part.faults_in_a_row, borne))


def outage(part: Part, operation: Operation, tally: Tally) -> tuple[float, str] | None:
    """(the seconds until one item is tried, why) where so many in a row were to be tried again that what they call
    seems to be down; None: go on."""
    in_a_row = part.faults_in_a_row
    if in_a_row < DOWN_AFTER:
        return None
    error = tally.ended[-1].error
    said = f" {error}" if isinstance(error, TryAgain) else ""
    text = f"{in_a_row:,} attempts in a row have failed, so what it calls seems to be down.{said}"
    return operation.retry.seconds_until(2, error), text


def spared(before: int, now: int) -> int:
    """How many of the last items lose no attempt, where so many in a row were to be tried again before a chunk, and
    with it: all of them once it is an outage, then each that has tried whether it is over."""
    if now < DOWN_AFTER:
        return 0
    return now - before if DOWN_AFTER <= before < now else now


def limit_reached(part: Part, operation: Operation) -> Reason | None:
    """Why the run may not go on after what has failed in this part; None: it may."""
    tolerance = operation.tolerance
    if operation.has_steps():
        return step_failed(part, operation)
    if tolerance is None:
        return all_alike(part)
    counts = counts_of(part.run_id)
    if not tolerance.is_exceeded(counts.failed, counts.processed):
        return None
    advice = f" {before_resuming(part)}" if tolerance.then == "pause" else ""
    return Reason(FAILURE_LIMIT, f"{counts.failed:,} of {counts.processed:,} items failed, more than it may.{advice}")


def step_failed(part: Part, operation: Operation) -> Reason:
    """Which step has failed, and why: those behind it stand on it."""
    failed = ItemOutcome.objects.filter(run=part.run_id, state=ItemState.FAILED).latest("id")
    title = operation.step_titles.get(failed.key, failed.key)
    return Reason(STEP_FAILED, f"“{title}” failed. {failed.text}", failed.detail)


def all_alike(part: Part) -> Reason | None:
    """The reason where the run's first items have all failed, and nearly all with the same unexpected error."""
    if part.succeeded or part.skipped or part.failed < ALIKE:
        return None
    counts = counts_of(part.run_id)
    if counts.succeeded or counts.skipped:
        return None
    failed = ItemOutcome.objects.filter(run=part.run_id, state=ItemState.FAILED).order_by("id")
    first = list(failed.values_list("code", "detail")[:ALIKE])
    kinds = Counter(detail.partition(":")[0] if code in UNEXPECTED else "" for code, detail in first)
    (kind, count), *_ = kinds.most_common(1)
    if not kind or count < ALIKE - ODD:
        return None
    said = f"The first {ALIKE} items all failed" + (f", {count} of them" if count < ALIKE else "")
    text = f"{said} with {kind}. {before_resuming(part)}"
    return Reason(FAILURE_LIMIT, text, next(detail for _, detail in first if detail.startswith(kind)))


def before_resuming(part: Part) -> str:
    """What a person is to do, and which items a resume does again then."""
    if in_doubt(part.run_id).exists():
        return (
            "Mend the cause, say of those in doubt whether they went out, then resume: what failed and did not go out "
            "is tried again."
        )
    return "Mend the cause, then resume: what failed is tried again."


def guilty(part: Part, operation: Operation) -> Left | None:
    """The verdict on the part's next item, where that one is at fault."""
    if operation.is_outside():
        return None  # an item that was under way is in doubt, and not begun again unasked
    slow = part.processed and part.worked_ms / part.processed > SLOW_ITEM_MS
    if part.deaths >= (POISON_DEATHS_SLOW if slow else POISON_DEATHS):
        return Left("worker-died", f"Its worker died {part.deaths} times while doing it, so it was left out.")
    if part.setbacks >= GUILTY_AFTER:
        said = f"The database failed {part.setbacks} times while it was done, so it was left out."
        return Left("database-fault", said)
    return None


def too_many(part: Part) -> Reason | None:
    """Why a person should look, once an item more is left out because of the database."""
    if part.failures["database-fault"] % MOST_GUILTY:
        return None
    return Reason(
        "database-fault",
        f"The database failed again and again while {MOST_GUILTY} of its items were done. "
        "They were left out; look at the database, then resume.",
        part.run.reason_detail,
    )
