"""The keys of items that others find on the way, as they are stored."""

from collections.abc import Iterable
from typing import Any

from headway.errors import NotKept

from .sources.copied import PLAIN, key_text

BAD_KEY = "bad-key"


def keys_of(keys: Any) -> list[str]:
    """These, or this one, as text. Raises NotKept for what can't be a key."""
    given = [keys] if isinstance(keys, PLAIN) or not isinstance(keys, Iterable) else list(keys)
    try:
        return [key_text(each, "add()") for each in given]
    except (TypeError, ValueError) as error:
        raise NotKept(BAD_KEY, str(error)) from error
