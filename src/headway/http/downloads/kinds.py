"""What a download tells of each item behind the item's own columns: why it failed, or what `process` returned."""

from dataclasses import dataclass
from typing import Any

from headway import runs
from headway.models import ItemState, Run

SAMPLE = 100  # results, whose names become columns


@dataclass(frozen=True)
class Kind:
    """Which outcomes, and which of their fields."""

    state: ItemState
    fields: tuple[str, ...]

    def columns(self, run: Run) -> list[str]:
        """What stands in a CSV file behind the item's own columns."""
        return list(self.fields)

    def cells(self, told: dict[str, Any], columns: list[str]) -> list[Any]:
        """The fields of one outcome in these columns."""
        return list(told.values())


class Results(Kind):
    """A value that is an object has its members in columns, as far as the run's first results have them too.

    The last column has all other values, and what an object has beside.
    """

    def columns(self, run: Run) -> list[str]:
        sample = list(runs.outcomes(run, self.state).values_list("value", flat=True)[:SAMPLE])
        # By the alphabet, since PostgreSQL forgets in which order they were.
        names = sorted({name for value in sample if isinstance(value, dict) for name in value})
        return ["key", *names, "value"]

    def cells(self, told: dict[str, Any], columns: list[str]) -> list[Any]:
        value, names = told["value"], columns[1:-1]
        if not isinstance(value, dict):
            return [told["key"], *[None] * len(names), value]
        rest = {name: member for name, member in value.items() if name not in names}
        return [told["key"], *map(value.get, names), rest or None]


FAILURES = Kind(ItemState.FAILED, ("key", "code", "text"))
FAILURES_FOR_STAFF = Kind(ItemState.FAILED, ("key", "code", "text", "detail"))
RESULTS = Results(ItemState.SUCCEEDED, ("key", "value"))
