"""Operations' forms, made for the one who starts: a form whose constructor names `user` gets them."""

import inspect
from functools import lru_cache
from typing import Any

from django.forms import BaseForm


def make(form: Any, user: Any, *bound: Any) -> Any:
    """An instance of `form`, bound to data and files if they are given. Its `user` is as in `self.user` of an
    operation: None where code starts a run, or a visitor."""
    if not takes_user(form):
        return form(*bound)
    return form(*bound, user=user if user is not None and user.is_authenticated else None)


@lru_cache
def takes_user(form: type[BaseForm]) -> bool:
    """Whether its constructor has a parameter `user`, or hands it on to a base's that has."""
    for cls in form.__mro__:
        if "__init__" in vars(cls):
            known = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
            if "user" in known:
                return True
            if all(one.kind is not one.VAR_KEYWORD for one in known.values()):
                return False
    return False
