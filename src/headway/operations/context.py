"""What an operation's code sees of the run that it works for. The runner fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from headway.states import Counts


@dataclass(frozen=True)
class RunView:
    """The run, as its own operation sees it."""

    id: UUID
    retry_of: UUID | None
    """The run whose failed and unreached items this one takes up."""
    dry_run: bool
    """Whether it changes nothing: what is written to the run's own database is rolled back."""
    counts: Callable[[], Counts]
    """The items that have ended so far, over all parts; in `on_finish`, all of them."""


def nowhere(*said: Any) -> None:
    """Where a message, a row, keys or a step's progress go while no run is there to take them."""


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
    add: Callable[[list[str]], None] = nowhere
    """Takes keys that an item has found."""
    progress: Callable[[float | None, float | None], None] = nowhere
