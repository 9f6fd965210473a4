"""What `items()` may give in place of a source."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Manager, QuerySet

from .by_key import QuerysetSource
from .by_list import RangeSource, list_source
from .by_pairs import PairsSource
from .protocol import Source


def source_given(items: Callable[[], Any], name: str) -> Source[Any]:
    """What `items()` gives, or the source of it. Raises TypeError, which says what to write, for anything else."""
    given = items()
    if isinstance(given, Source):
        return given
    if isinstance(given, QuerySet):
        return QuerysetSource(given)
    if isinstance(given, range):
        return RangeSource(given)
    if isinstance(given, list | tuple):
        return list_source(given)
    if isinstance(given, Iterator):
        return PairsSource(items)
    raise TypeError(f"{name}: items() gave a {type(given).__name__}. {advice(given)}")


def advice(given: Any) -> str:
    if isinstance(given, Manager):
        return "Write .all() behind it."
    if isinstance(given, dict):
        return "Write `yield from` before it, and .items() behind it."
    if isinstance(given, set | frozenset):
        return "Put sorted(…) around it: a set has another order in each worker."
    return "It must give a source, such as sources.csv(…), a queryset, a list or a range, or yield (key, item)."
