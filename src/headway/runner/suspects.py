"""Which item has killed its workers so often, or cost the connection, that it is written down and not run again."""

from headway.models import Part
from headway.operations.base import Operation
from headway.store.parts.leases import SLOW_ITEM_MS
from headway.store.runs.control import Reason

from .tally import Left

GUILTY_AFTER = 4  # setbacks at one place: the item in hand is the cause, as the last ones met it alone
MOST_GUILTY = 3  # items of a part that may be left out so before a person should look
POISON_DEATHS = 2  # with the two before anybody was careful: four
POISON_DEATHS_SLOW = 3  # with the one before: four; an item of over a second is more often hit than at fault


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
    )
