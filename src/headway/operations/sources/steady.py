"""A file that outlasts a moment in which its storage can't be reached."""

import io
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, TypeVar

from django.db import Error

from headway.errors import HeadwayError

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES = (0.1, 0.4, 1.0)  # s between the attempts: together less than a reader of a few rows would wait
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, ValueError, TypeError, HeadwayError, Error)


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
                self.drop()
            time.sleep(pause)
        return self.ask_once(what)

    def ask_once(self, what: Callable[[BinaryIO], T]) -> T:
        if self.file is None:
            self.file = self.open_once()
            if self.at:
                self.file.seek(self.at)
        return what(self.file)

    def drop(self) -> None:
        """Let go of what has failed."""
        with suppress(Exception):  # the file has failed already
            self.close()
        self.file = None


def position(file: BinaryIO, offset: int, whence: int) -> int:
    """Where the file stands when it has been moved; some give nothing for it."""
    file.seek(offset, whence)
    return file.tell()
