"""What an operation declares as `holds`: names of what two runs must not work on at once."""

from collections.abc import Iterable
from typing import Any

LONGEST = 200  # characters
MOST = 20  # names: each is a line in which a run may have to wait


def names_of(declared: Any) -> list[str]:
    """The names, each once, sorted. Raises ValueError, which says what would be right."""
    if isinstance(declared, str):
        raise ValueError(f"{declared!r} is text; write ({declared!r},), or a list of names.")
    try:
        names = list(declared)
    except TypeError:
        raise ValueError(f"{declared!r} is no list of names, such as ('stock',).") from None
    for name in names:
        if not (isinstance(name, str) and name.strip() and len(name) <= LONGEST and name.isprintable()):
            raise ValueError(f"{name!r:.250} is no name; it must be printable text of 1 to {LONGEST} characters.")
    if len(set(names)) > MOST:
        raise ValueError(f"There are {len(set(names))} names; a run may hold {MOST} at most.")
    return sorted(set(names))


def not_held(name: str, held: Iterable[str], declared: Any) -> str:
    """Why the run doesn't hold this name, and what to do."""
    if not declared:
        return f"the operation declares no holds. Declare holds = ({name!r},)."
    return f"the run holds {', '.join(held) or 'nothing yet'}. Let `holds` name it, too."
