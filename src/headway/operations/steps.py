"""Named steps in place of items: each is done once, in their order, and is the item of its name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from .outcomes import Gone, is_number
from .sources import Entry, Json, Source

MOST = 1 << 53  # to which JSON's readers count
ALONE = "run"  # the one step of an operation that declares `def run(self)`


class StepInterrupted(BaseException):
    """Raised by `progress` to end a step that is to be begun anew later, or never. No `except Exception` catches it."""


class StepsSource(Source[Any]):
    """The steps that an operation had when its run began: bounds are {"steps": names}, a cursor counts steps.

    A step that has been taken out since is a `Gone`; one that was put in isn't done.
    """

    def __init__(self, titles: Mapping[str, Any]) -> None:
        self.titles = titles

    def identity(self) -> str:
        return "steps"

    def freeze(self) -> Json:
        return {"steps": list(self.titles)}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        names: list[str] = cast("dict[str, Any]", bounds)["steps"]
        for number, name in enumerate(names[cast(int, after or 0) :], cast(int, after or 0) + 1):
            yield number, name, name if name in self.titles else Gone(name)

    def fetch(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        return [(key, key) for key in keys if key in self.titles]

    def count(self, bounds: Json) -> int:
        return len(cast("dict[str, Any]", bounds)["steps"])

    def label(self, item: Any) -> str:
        return item.label if isinstance(item, Gone) else str(self.titles[item])


def titles_of(steps: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    """What people call each step: what was given for it, or its name with blanks."""
    if isinstance(steps, Mapping):
        return dict(steps)
    return {name: name.replace("_", " ").strip().capitalize() for name in steps}


def check_figures(done: Any, total: Any) -> None:
    """Raises TypeError unless these are numbers, or None."""
    for name, number in (("done", done), ("total", total)):
        if number is not None and not (is_number(number) and 0 <= number <= MOST):
            raise TypeError(f"progress(): {name} is {number!r:.200}; it must be a number from 0 to {MOST:,}, or None.")
