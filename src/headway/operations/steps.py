"""Named steps in place of items: each is done once, in their order, and is the item of its name. And what a class may
declare with them, judged when it is made.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from django.utils.functional import Promise

from .outcomes import Gone, is_number
from .sources import Entry, Json, Source

MOST = 1 << 53  # to which JSON's readers count
ALONE = "run"  # the one step of an operation that declares `def run(self)`
MOST_STEPS = 100
METHODS_OF_ITEMS = ("items", "process", "process_chunk", "prepare", "settle", "label")
OF_ITEMS = ("parts", "threads", "rate", "effects", "window", "in_doubt", "lock_rows", "tolerance", "discovers", "file",
            "keep_results")  # fmt: skip


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


def faults(cls: Any, base: type[Any]) -> Iterator[str]:
    """What is wrong with its steps, if it has any, and what can't be had with them."""
    if not (cls.steps or cls._alone):
        return
    if cls._alone and cls.steps not in ((), (ALONE,)):
        yield "steps and `def run(self)` are both there, and `run` is a step of its own. Leave out one of them."
    if cls._alone and not inspect.isfunction(cls._alone):
        yield f"run must be a method, `def run(self): …`, not {cls._alone!r}."
    else:
        yield from of_method(ALONE, cls._alone) if cls._alone else of_names(cls, base)
    for method in METHODS_OF_ITEMS:
        if cls.declares(method):
            yield f"{method} is for operations with items, and this one has steps. Leave out one of them."
    for attribute in OF_ITEMS:
        if getattr(cls, attribute) != getattr(base, attribute):
            why = "no transaction is around a step anyway" if attribute == "effects" else "this operation has steps"
            yield f"{attribute} is for items, and {why}. Leave it out."


def of_names(cls: Any, base: type[Any]) -> Iterator[str]:
    steps = cls.steps
    if isinstance(steps, str) or not isinstance(steps, tuple | Mapping) or len(steps) > MOST_STEPS:
        yield (
            f"steps is {steps!r}; it must be a tuple of names of methods, at most {MOST_STEPS}, such as "
            "('download', 'convert'), or a dictionary of such names with what people call them."
        )
        return
    if len(set(map(str, steps))) < len(steps):
        yield f"steps is {steps!r}, which has a name twice. A step is done once."
    for name in steps:
        yield from of_name(cls, base, name)
    for title in steps.values() if isinstance(steps, Mapping) else ():
        if not isinstance(title, str | Promise):
            yield f"steps has the title {title!r}; it must be text."


def of_name(cls: Any, base: type[Any], name: Any) -> Iterator[str]:
    if not isinstance(name, str) or not inspect.isfunction(getattr(cls, name, None)):
        yield f"steps names {name!r}, and there is no such method. Declare `def {name}(self): …`."
    elif hasattr(base, name) or name.startswith("_"):
        yield f"steps names {name!r}, which has a meaning of its own here. Call the step something else."
    else:
        yield from of_method(name, getattr(cls, name))


def of_method(name: str, method: Any) -> Iterator[str]:
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        yield f"{name} is async, and a worker is synchronous. Use `def`, with `asyncio.run(…)` in it."
    if inspect.isgeneratorfunction(method):
        yield f"{name} has a `yield`, so it would do nothing. Say how far it has come by self.progress(done, total)."
    if not takes(method, 1):
        yield f"{name} must take nothing: `def {name}(self)`."


def takes(method: Any, count: int) -> bool:
    """Whether a method can be called with `count` positional arguments, `self` included."""
    try:
        inspect.signature(method).bind(*range(count))
    except TypeError:
        return False
    return True
