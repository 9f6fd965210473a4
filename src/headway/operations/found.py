"""The keys of items that others find on the way, as they are stored."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headway.errors import NotKept

__all__ = ["BAD_KEY", "keys_of"]

BAD_KEY = "bad-key"
LONGEST = 255  # characters


def keys_of(keys: str | Iterable[Any]) -> list[str]:
    """These, or this one, as text. Raises NotKept for what can't be a key."""
    one = isinstance(keys, str | int | UUID)
    try:
        given: list[Any] = [keys] if one else list(keys)
    except TypeError as error:
        raise NotKept(BAD_KEY, f"{keys!r:.200} is neither a key nor several.") from error
    return [key_of(each) for each in given]


def key_of(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | UUID):
        raise NotKept(BAD_KEY, f"{given!r:.200} is no key: give text, a whole number or a UUID, such as a row's pk.")
    key = str(given)
    if not 1 <= len(key) <= LONGEST:
        raise NotKept(BAD_KEY, f"{key!r:.100} has {len(key)} characters; a key has 1 to {LONGEST}.")
    if "\0" in key or not is_utf8(key):
        raise NotKept(BAD_KEY, f"{key!r:.200} can't be a key: no database keeps such a character.")
    return key


def is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
