"""Names in an operation's own classes that were meant as declarations, and are none: they would do nothing."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from types import CodeType
from typing import Any

from .steps import takes

CLOSE = 0.85  # of 1: "thread", "permision", "on_conflct"; not "steps_done", "rate_limit", "title_field", "create"
CLOSE_METHOD = 0.8  # "lable", "setle"; not "process_row", "on_error"
METHODS = {
    "items": 1, "on_start": 1, "on_finish": 1, "concurrency_key": 1, "holds": 1,
    "process": 2, "process_chunk": 2, "prepare": 2, "settle": 2, "label": 2,
}  # fmt: skip
"""What Headway calls, and with how many arguments, `self` included."""

ELSEWHERE = {"retries": "retry", "max_retries": "retry"}
"""What other frameworks call it."""


def faults(cls: Any, base: type[Any], fits: Callable[[str, Any], bool]) -> Iterator[str]:
    """`fits`: whether a value is one of a declaration's. Mixins that are no operations have attributes of their own."""
    if "form" in vars(cls):
        yield "form is made from params. Declare `params = …`, a Django form class."
    known = declarations_of(base)
    for name, own in own_names(cls, base):
        if callable(getattr(base, name, None)):
            if not callable(getattr(cls, name)):
                meant = nearest(name, known)
                advice = f"Did you mean `{meant}`?" if meant else "Call it something else."
                yield f"{name} is {own!r}, and {name}() is a method that each operation has. {advice}"
        elif name in known or hasattr(base, name) or is_called(cls, name):
            continue
        elif meant := meant_by(name, own, known, fits):
            yield f"{name} is nothing that an operation can declare. Did you mean `{meant}`?"


def own_names(cls: Any, base: type[Any]) -> Iterator[tuple[str, Any]]:
    for kind in cls.__mro__:
        if issubclass(kind, base) and kind is not base:
            yield from ((name, own) for name, own in vars(kind).items() if not name.startswith("_"))


def meant_by(name: str, own: Any, known: list[str], fits: Callable[[str, Any], bool]) -> str | None:
    """The declaration that was meant, or None. A longer or shorter name may be honest: `titles = {…}`, `step = 3`."""
    if isinstance(own, property | classmethod | staticmethod):
        return None
    is_method = callable(own) and not isinstance(own, type)
    meant = nearest(name, METHODS, CLOSE_METHOD) if is_method else ELSEWHERE.get(name) or nearest(name, known)
    if meant and (name.startswith(meant) or meant.startswith(name)):
        return meant if (takes(own, METHODS[meant]) if is_method else fits(meant, own)) else None
    return meant


def is_called(cls: Any, name: str) -> bool:
    """Whether the class's own code names it, or it is a step: so it does something, whatever it is called."""
    functions = (own for kind in cls.__mro__ for key, own in vars(kind).items() if key != name)
    codes = (getattr(inspect.unwrap(own), "__code__", None) for own in functions if inspect.isfunction(own))
    return name in cls.steps or any(name in names_in(code) for code in codes if code)


def names_in(code: CodeType) -> set[str]:
    """The names that it uses, those of its lambdas and comprehensions included."""
    return set(code.co_names).union(*(names_in(part) for part in code.co_consts if isinstance(part, CodeType)))


def declarations_of(base: type[Any]) -> list[str]:
    """All attributes that a class may set to a value."""
    attributes = {*vars(base), *base.__annotations__}
    methods = {name for name in attributes if callable(getattr(base, name, None))}
    return sorted(name for name in attributes - methods if not name.startswith("_"))


def nearest(name: str, names: Iterable[str], cutoff: float = CLOSE) -> str | None:
    return next(iter(get_close_matches(name, names, n=1, cutoff=cutoff)), None)
