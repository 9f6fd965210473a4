"""What is told of an unexpected error: a sentence for everybody, and for staff the error with where it was raised."""

import os
import sysconfig
import traceback
from functools import cache

from django.db import DataError, IntegrityError

import headway

__all__ = ["describe", "plain_sentence"]

MOST_FRAMES = 8
NOT_THE_PROJECTS = tuple(
    os.path.join(os.path.realpath(path), "")
    for path in {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        os.path.dirname(headway.__file__),
    }
)


def plain_sentence(error: Exception) -> str:
    """What everybody may read of an unexpected error."""
    if isinstance(error, IntegrityError):
        return "The database refused it: it clashes with a row that is there, or breaks another rule of its table."
    if isinstance(error, DataError):
        return "The database refused it: a value doesn't fit its column."
    return "Something unexpected went wrong with it."


def describe(error: BaseException) -> str:
    """What staff read of an unexpected error: itself, and the lines of the project's own code that it came through."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  (an error that can't even be told must not hide what happened to the item)
        said = "its text can't be told"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_the_projects(frame.filename)] or frames
    where = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(own[-MOST_FRAMES:]))
    return f"{type(error).__name__}: {said}{where}"


@cache
def is_the_projects(filename: str) -> bool:
    """Whether the file is the project's own code: not Python's, an installed package's or Headway's."""
    return not os.path.realpath(filename).startswith(NOT_THE_PROJECTS)
