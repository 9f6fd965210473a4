"""A single value of an item as JSON. What JSON can't say is told as text, so that no value breaks a file off.

The values come out of the project's own source, and may be anything: a set, a model, one that contains itself.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

PLAIN = frozenset((str, bool, type(None)))  # which json says as they are; the cells of a file are nothing else


class Encoder(DjangoJSONEncoder):
    """Moments, decimals and the like as Django has them, and anything else as its own text."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def encoded_object(members: Mapping[str, Any]) -> str:
    """An object, each of its values by itself: one that can't be told costs no other."""
    if PLAIN.issuperset(map(type, members.values())):
        return json.dumps(members)
    return f"{{{', '.join(f'{json.dumps(name)}: {encoded(value)}' for name, value in members.items())}}}"


def encoded(value: Any) -> str:
    """The value; of one whose text can't even be had, only what kind it is."""
    try:
        return json.dumps(sayable(value), cls=Encoder)
    except Exception:  # noqa: BLE001  (the project's own values, and whatever they raise)
        return json.dumps(f"<{type(value).__name__}>")


def sayable(value: Any) -> Any:
    """The same with names that are texts and no NaN or infinity: the encoder calls no hook for those."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): sayable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [sayable(each) for each in value]
    return value
