"""Files among the parameters: stored before the run is inserted, deleted again when the run isn't."""

from __future__ import annotations

import hashlib
import logging
import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.template.defaultfilters import filesizeformat
from django.utils.text import get_valid_filename

from headway.errors import ChangedMeanwhile, InvalidParams, ParamError, UploadNotStored

log = logging.getLogger(__name__)

FOLDER = "headway"  # of the default storage


@dataclass(frozen=True)
class StoredFile:
    """A file that a run was started with. Sources take it; `open()` reads it from its start."""

    name: str
    """Where the default storage keeps it."""
    original: str
    """What the person called it."""
    sha256: str
    size: int

    @property
    def storage(self) -> Any:
        """The storage that keeps it; with `name`, all that a source needs to open it again."""
        return default_storage

    def open(self, mode: str = "rb") -> File[Any]:
        """The file, opened anew. Raises ChangedMeanwhile when it isn't there any more, or isn't whole."""
        try:
            file = default_storage.open(self.name, mode)
        except FileNotFoundError as error:
            raise ChangedMeanwhile(
                f"The file {self.original!r}, with which this run was started, isn't there: it was deleted, or the "
                "worker reads another storage than the one into which it was uploaded."
            ) from error
        if file.seekable() and (size := size_of(file)) != self.size:
            file.close()
            raise ChangedMeanwhile(
                f"The file {self.original!r} has {size:,} bytes; when this run was started, it had {self.size:,}."
            )
        return file

    def __str__(self) -> str:
        return self.original


def folder() -> Path | None:
    """The folder of the default storage, as it is declared; None: it isn't the file system's."""
    return Path(default_storage.base_location) if isinstance(default_storage, FileSystemStorage) else None


def check_size(cleaned: dict[str, Any], most: int) -> None:
    """Raises InvalidParams where the uploads among the cleaned data have more bytes than that, each at its name."""
    sizes = {name: value.size for name, value in cleaned.items() if isinstance(value, File)}
    if sum(sizes.values()) > most:
        detail = f"This is too large. At most {filesizeformat(most)} can be sent at once."
        raise InvalidParams([ParamError(f"/{name}", "too-large", detail) for name in sizes])


def size_of(file: File[Any]) -> int:
    """How many bytes it gives, whatever its storage says; its position is at its start afterwards."""
    file.seek(0, os.SEEK_END)
    size: int = file.tell()
    file.seek(0)
    return size


def store(cleaned: dict[str, Any]) -> tuple[dict[str, Any], list[StoredFile]]:
    """The cleaned data with each upload replaced by its stored file, and those files.

    Raises UploadNotStored; then nothing is left of it, nor of those before it.
    """
    stored: list[StoredFile] = []
    result = dict(cleaned)
    try:
        for name, value in cleaned.items():
            if isinstance(value, File):
                result[name] = keep(value)
                stored.append(result[name])
    except BaseException:
        discard(stored)
        raise
    return result, stored


def keep(upload: File[Any]) -> StoredFile:
    """Store one upload under a name of its own, hashed on the way."""
    original = original_of(upload.name or "")
    digest, size = hashlib.sha256(), 0
    upload.seek(0)
    for block in upload.chunks():
        digest.update(block)
        size += len(block)
    upload.seek(0)
    name = save(f"{FOLDER}/{uuid4()}-{safe(original)}", upload, original)
    return StoredFile(name, original, digest.hexdigest(), size)


def save(name: str, upload: File[Any], original: str) -> str:
    """The name under which the storage has it. Raises UploadNotStored; half of a file isn't left."""
    try:
        return default_storage.save(name, upload)
    except Exception as error:
        log.exception("event=upload-not-stored")
        delete(name)
        raise UploadNotStored(original) from error  # each storage has errors of its own


def original_of(name: str) -> str:
    """What the person called the file, without its path, as a database keeps it."""
    base = posixpath.basename(name.replace("\\", "/"))
    printable = base.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return "upload" if printable in ("", ".", "..") else printable


def safe(original: str) -> str:
    """A name that any storage takes: of letters, digits and a few more, and at most 100 bytes long."""
    try:
        return get_valid_filename(original).encode()[-100:].decode(errors="ignore")
    except SuspiciousFileOperation:  # nothing of it is left, or only dots
        return "upload"


def discard(stored: list[StoredFile]) -> None:
    """Delete what was stored for a run that isn't going to be, or is no longer."""
    for file in stored:
        delete(file.name)


def delete(name: str) -> None:
    """Delete the file; what the storage doesn't delete now stays for `headway_sweep`."""
    try:
        default_storage.delete(name)
    except Exception:  # each storage has errors of its own
        log.exception("event=upload-not-deleted name=%r", name)
