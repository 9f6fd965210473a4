"""How a source opens its file: anew for each reader, so that readers in several threads don't disturb each other, and
again when its storage fails for a moment.
"""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast

from django.core.files import File
from django.db import Error

from headway.errors import HeadwayError
from headway.operations.files import StoredFile

log = logging.getLogger(__name__)

T = TypeVar("T")
Openable: TypeAlias = "str | os.PathLike[str] | StoredFile | File[Any] | BinaryIO"
Opener: TypeAlias = Callable[[], BinaryIO]

PAUSES = (0.1, 0.4, 1.0)  # s between the attempts: together less than a reader of a few rows would wait
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, ValueError, TypeError, HeadwayError, Error)
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
        return partial(io.BytesIO, inner.getvalue())
    if isinstance(inner, io.StringIO):
        return partial(io.BytesIO, inner.getvalue().encode())
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


class SteadyFile(io.RawIOBase):
    """A file for reading bytes; when that fails, it is opened anew and goes on where it was, three times at most.

    What lasts is raised at once: that the file isn't there, or may not be read.
    """

    def __init__(self, open_once: Callable[[], BinaryIO]) -> None:
        self.open_once = open_once
        self.at = 0
        self.file: BinaryIO | None = None
        self.ask(lambda file: None)

    def read(self, size: int = -1) -> bytes:
        data = self.ask(lambda file: file.read(size))
        self.at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = self.ask(lambda file: position(file, offset, whence))
        return self.at

    def tell(self) -> int:
        return self.at

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None

    def ask(self, what: Callable[[BinaryIO], T]) -> T:
        """What the file answers, if need be when it is asked again."""
        for pause in PAUSES:
            try:
                return self.ask_once(what)
            except LASTING:
                raise
            except Exception as error:  # noqa: BLE001  (each storage has errors of its own, with nothing in common)
                log.warning("event=storage-failed at=%s error=%r", self.at, error)
                with suppress(Exception):  # the file has failed already
                    self.close()
                self.file = None
            time.sleep(pause)
        return self.ask_once(what)

    def ask_once(self, what: Callable[[BinaryIO], T]) -> T:
        if self.file is None:
            self.file = self.open_once()
            if self.at:
                self.file.seek(self.at)
        return what(self.file)


def position(file: BinaryIO, offset: int, whence: int) -> int:
    """Where the file stands when it has been moved; some give nothing for it."""
    file.seek(offset, whence)
    return file.tell()
