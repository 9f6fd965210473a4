"""What an operation's code sees of the run that it works for. The runner fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from headway.states import Counts


class RunView(Protocol):
    """The run, as its own operation sees it."""

    @property
    def id(self) -> UUID:
        """The run's id."""

    @property
    def retry_of(self) -> UUID | None:
        """The run whose failed and unreached items this one takes up."""

    @property
    def dry_run(self) -> bool:
        """Whether it changes nothing: what is written to the run's own database is rolled back."""

    def counts(self) -> Counts:
        """The items that have ended so far, over all parts; in `on_finish`, all of them."""


def nowhere(text: str) -> None:
    """Where a message goes while no run is there to show it."""


def nobody_watches(done: float | None, total: float | None) -> None:
    """Where a step's progress goes while no run is there to show it."""


def no_items(keys: list[str]) -> None:
    """Where keys go while no run is there to do their items."""


@dataclass(frozen=True)
class Context:
    """What lies on `self` inside an operation."""

    params: dict[str, Any] = field(default_factory=dict)
    user: Any = None
    fingerprint: str = ""
    """What tells these parameters from others, in `concurrency_key`."""
    run: RunView | None = None
    say: Callable[[str], None] = nowhere
    write: Callable[[str], None] = nowhere
    """Takes a row of the run's file, as `File.line` gives it."""
    fences: Mapping[str, int] = field(default_factory=dict)
    """Of each name that the run holds, the number of this taking."""
    add: Callable[[list[str]], None] = no_items
    """Takes keys that an item has found."""
    progress: Callable[[float | None, float | None], None] = nobody_watches
