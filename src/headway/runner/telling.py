"""What is told of an unexpected error: a sentence for everybody, and for staff the error with where it was raised."""

import os
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from functools import cache
from traceback import FrameSummary

from django.db import DataError, IntegrityError

import headway

UNEXPECTED = "Something unexpected went wrong with it."
MOST_FRAMES = 8
LONGEST_SAID = 800  # characters of an error's own text, so that it leaves room for where it was raised
LONGEST_TRACEBACK = 15_000  # characters; its end says most
HEADWAY = os.path.join(os.path.realpath(os.path.dirname(headway.__file__)), "")
LIBRARIES = {sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")}
NOT_THE_PROJECTS = (HEADWAY, *(os.path.join(os.path.realpath(path), "") for path in LIBRARIES))


def plain_sentence(error: Exception) -> str:
    """What everybody may read of an unexpected error."""
    if isinstance(error, IntegrityError):
        return "The database refused it: it clashes with a row that is there, or breaks another rule of its table."
    if isinstance(error, DataError):
        return "The database refused it: a value doesn't fit its column."
    return UNEXPECTED


def in_full(error: BaseException) -> str:
    """What staff read of an error that stops a run: the lines of the project's own code, and the whole traceback."""
    told = f"{said_by(error)}{places(frames_of(error))}"
    if is_a_refusal(error):
        return told
    return f"{told}\n\n{''.join(traceback.format_exception(error))[-LONGEST_TRACEBACK:]}"


def is_a_refusal(error: BaseException) -> bool:
    """Whether Headway itself refuses what it was given, in words that suffice: its own lines would explain nothing."""
    lines = traceback.extract_tb(error.__traceback__)
    if not lines or not os.path.realpath(lines[-1].filename).startswith(HEADWAY):
        return False
    return isinstance(error, ValueError) or (lines[-1].line or "").startswith("raise ")


def describe(error: BaseException) -> str:
    """What staff read of an unexpected error: itself, and the lines of the project's own code that it came through. Of
    what it was raised from likewise, where that came from the project's code.
    """
    told = f"{said_by(error)}{places(frames_of(error) or traceback.extract_tb(error.__traceback__))}"
    causes = ((cause, frames_of(cause)) for cause in causes_of(error))
    return told + "".join(f"\nraised from {said_by(cause)}{places(own)}" for cause, own in causes if own)


def said_by(error: BaseException) -> str:
    """Its kind and its text."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  (an error that can't even be told must not hide what happened to the item)
        said = "its text can't be told"
    return f"{type(error).__name__}: {said if len(said) <= LONGEST_SAID else said[:LONGEST_SAID] + '…'}"


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """What it was raised `from`, the nearest first; not what the runner happened to handle at that moment."""
    seen = {error}
    while (cause := error.__cause__) is not None and cause not in seen:
        yield cause
        seen.add(cause)
        error = cause


def frames_of(error: BaseException) -> list[FrameSummary]:
    """The lines of the project's own code that it came through."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_the_projects(frame.filename)]


def places(frames: Sequence[FrameSummary]) -> str:
    """Where they are, a line each, the innermost first."""
    return "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(frames[-MOST_FRAMES:]))


@cache
def is_the_projects(filename: str) -> bool:
    """Whether the file is the project's own code: not Python's, an installed package's or Headway's."""
    return not os.path.realpath(filename).startswith(NOT_THE_PROJECTS)
