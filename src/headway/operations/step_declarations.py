"""What an operation's class declares with steps in place of items, judged when the class is made."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise

from .steps import ALONE

MOST_STEPS = 100
METHODS_OF_ITEMS = ("items", "process", "process_chunk", "prepare", "settle", "label")
OF_ITEMS = ("parts", "threads", "rate", "effects", "window", "in_doubt", "lock_rows", "tolerance", "discovers", "file",
            "keep_results")  # fmt: skip


def faults(cls: Any, base: type[Any]) -> Iterator[str]:
    """What is wrong with its steps, if it has any, and what can't be had with them."""
    if not (cls.steps or cls._alone):
        return
    if cls._alone and cls.steps not in ((), (ALONE,)):
        yield "steps and `def run(self)` are both there, and `run` is a step of its own. Leave out one of them."
    yield from of_run(cls._alone) if cls._alone else of_names(cls, base)
    for method in METHODS_OF_ITEMS:
        if getattr(cls, method) is not getattr(base, method):
            yield f"{method} is for operations with items, and this one has steps. Leave out one of them."
    for attribute in OF_ITEMS:
        if getattr(cls, attribute) != getattr(base, attribute):
            why = "no transaction is around a step anyway" if attribute == "effects" else "this operation has steps"
            yield f"{attribute} is for items, and {why}. Leave it out."


def of_run(run: Any) -> Iterator[str]:
    if not inspect.isfunction(run):
        yield f"run must be a method, `def run(self): …`, not {run!r}."
    else:
        yield from of_method(ALONE, run)


def of_names(cls: Any, base: type[Any]) -> Iterator[str]:
    steps = cls.steps
    if isinstance(steps, str) or not isinstance(steps, tuple | Mapping) or len(steps) > MOST_STEPS:
        yield (
            f"steps is {steps!r}; it must be a tuple of names of methods, at most {MOST_STEPS}, such as "
            "('download', 'convert'), or a dictionary of such names with what people call them."
        )
        return
    if len(set(steps)) < len(steps):
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
