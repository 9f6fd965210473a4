"""Names in an operation's own classes that were meant as declarations, and are none: they would do nothing."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any

CLOSE = 0.85  # of 1: "thread", "permision", "on_conflct"; not "steps_done", "rate_limit", "title_field", "create"
HOOKS = ("on_start", "on_finish", "concurrency_key")  # methods that nothing misses; without the others a class fails


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
        elif name not in known and not hasattr(base, name) and (meant := meant_by(name, own, known, fits)):
            yield f"{name} is nothing that an operation can declare. Did you mean `{meant}`?"


def own_names(cls: Any, base: type[Any]) -> Iterator[tuple[str, Any]]:
    for kind in cls.__mro__:
        if issubclass(kind, base) and kind is not base:
            yield from ((name, own) for name, own in vars(kind).items() if not name.startswith("_"))


def meant_by(name: str, own: Any, known: list[str], fits: Callable[[str, Any], bool]) -> str | None:
    """The declaration that was meant, or None. A longer or shorter name may be honest: `titles = {…}`, `step = 3`."""
    if isinstance(own, property | classmethod | staticmethod):
        return None
    if inspect.isfunction(own):
        return nearest(name, HOOKS)
    meant = nearest(name, known)
    if meant and (name.startswith(meant) or meant.startswith(name)):
        return meant if fits(meant, own) else None
    return meant


def declarations_of(base: type[Any]) -> list[str]:
    """All attributes that a class may set to a value."""
    attributes = {*vars(base), *base.__annotations__}
    methods = {name for name in attributes if callable(getattr(base, name, None))}
    return sorted(name for name in attributes - methods if not name.startswith("_"))


def nearest(name: str, names: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, names, n=1, cutoff=CLOSE)), None)
