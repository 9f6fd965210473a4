"""How a source opens its file: anew for each reader, so that readers in several threads don't disturb each other, and
again when its storage fails for a moment.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any, BinaryIO, TypeAlias, cast

from django.core.files import File

from headway.operations.files import StoredFile

from .steady import SteadyFile

Openable: TypeAlias = "str | os.PathLike[str] | StoredFile | File[Any] | BinaryIO"
Opener: TypeAlias = Callable[[], BinaryIO]

ACCEPTED = "Give a path, a file of a storage (such as a FileField's), an uploaded file, an open() file or a BytesIO."


def opener(file: Openable) -> Opener:
    """A function that opens the file for reading bytes, with a position of its own each time it is called.

    The file given is neither moved nor closed. What a BytesIO holds is taken as it is now. Raises TypeError for
    a file that can't be opened a second time, and ValueError for a FileField without a file.
    """
    open_once = opened_once(file)
    return lambda: cast(BinaryIO, SteadyFile(open_once))


def opened_once(file: Openable) -> Opener:
    if isinstance(file, str | os.PathLike):
        return of_path(file)
    if isinstance(file, StoredFile):
        return lambda: alone(file.open())
    storage = getattr(file, "storage", None) or getattr(file, "_storage", None)  # a FieldFile's; django-storages'
    if storage is not None:
        if not file.name:
            raise ValueError("The file field has no file. Check that it isn't empty before its rows are asked for.")
        name = file.name
        return lambda: alone(storage.open(name, "rb"))
    inner = innermost(file)
    if isinstance(inner, io.BytesIO):
        return of_bytes(inner.getvalue())
    if isinstance(inner, io.StringIO):
        return of_bytes(inner.getvalue().encode())
    if isinstance(inner, io.FileIO) and isinstance(inner.name, str | os.PathLike):
        return of_path(inner.name)
    raise TypeError(f"{file!r} can't be opened a second time, which counting and resuming need. {ACCEPTED}")


def name_of(file: Openable) -> str:
    """What tells the file from others, as a storage has it. Of a path only the end: each deploy may bring another."""
    if isinstance(file, str | os.PathLike):
        return os.path.basename(file)
    name = getattr(file, "name", None) or ""
    stored = isinstance(file, StoredFile) or hasattr(file, "storage") or hasattr(file, "_storage")
    return str(name) if stored else os.path.basename(str(name))


def innermost(file: Any) -> Any:
    """What lies under Django's, tempfile's and io's wrappers; its name, unlike an upload's, is a real path."""
    for attribute in ("file", "file", "buffer", "raw"):
        file = getattr(file, attribute, file)
    return file


def of_path(path: str | os.PathLike[str]) -> Opener:
    absolute = os.path.abspath(path)
    return lambda: open(absolute, "rb", buffering=0)


def alone(file: File[Any]) -> BinaryIO:
    """The file with a position of its own: a storage in memory hands out one and the same object to everybody."""
    inner = innermost(file)
    return io.BytesIO(inner.getvalue()) if isinstance(inner, io.BytesIO) else cast(BinaryIO, file)


def of_bytes(content: bytes) -> Opener:
    return lambda: io.BytesIO(content)
