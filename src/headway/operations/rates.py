"""How often an operation may begin an item, over all of its workers: `rate = "50/s"`."""

import re
from dataclasses import dataclass
from typing import Any

SPOKEN = re.compile(r"([1-9][0-9]{0,8})/(s|min|h|d)")
UNITS_US = {"s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
LEAST_INTERVAL_US = 100
LONGEST_NAME = 200
ADVICE = 'it must be a whole number of items from 1 on and their time, such as "50/s", "100/min", "1000/h" or "500/d"'


@dataclass(frozen=True)
class Rate:
    """At most so many items in a second, minute, hour or day, evenly spaced, over all workers and runs.

    `name`: several operations that give the same one share the rate, as they call the same service. Without it each
    operation has its own.
    """

    text: str
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not SPOKEN.fullmatch(self.text):
            raise ValueError(f"rate is {self.text!r}; {ADVICE}.")
        if self.interval_us < LEAST_INTERVAL_US:
            most = UNITS_US["s"] // LEAST_INTERVAL_US
            raise ValueError(f"rate is {self.text!r}; more than {most:,} items a second can't be kept.")
        if not isinstance(self.name, str) or len(self.name) > LONGEST_NAME:
            raise ValueError(f"rate has the name {self.name!r}; it must be text of at most {LONGEST_NAME} characters.")

    @property
    def interval_us(self) -> int:
        """Microseconds from one item to the next, rounded up, so that a rate is never passed."""
        count, unit = self.text.split("/")
        return -(-UNITS_US[unit] // int(count))

    def __str__(self) -> str:
        return self.text


def rate_of(operation: Any) -> Rate | None:
    """The rate that an operation's class declares, under the name by which it is shared. Raises ValueError."""
    declared = operation.rate
    if declared is None:
        return None
    rate = declared if isinstance(declared, Rate) else Rate(declared)
    return rate if rate.name else Rate(rate.text, operation.name)
