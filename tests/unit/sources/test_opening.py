"""Every reader of a source's file has a position of its own, whatever kind of file was given."""

import gzip
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db.models import FileField
from django.db.models.fields.files import FieldFile

from headway.operations.sources.opening import SteadyFile, opener

CONTENT = b"a\n1\n"


class RemoteFile(File):  # type: ignore[type-arg]  # not generic at run time
    """Like django-storages' files: it knows its storage, and nothing on this machine has its name."""

    def __init__(self, name: str, storage: "RemoteStorage") -> None:
        content = tempfile.SpooledTemporaryFile()  # noqa: SIM115
        content.write(CONTENT)
        content.seek(0)
        super().__init__(content, name)
        self._storage = storage


class RemoteStorage(Storage):
    def _open(self, name: str, mode: str = "rb") -> RemoteFile:
        return RemoteFile(name, self)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(
    params=[
        "path",
        "string",
        "open",
        "text",
        "File",
        "FieldFile",
        "in memory",
        "upload",
        "big upload",
        "remote",
        "bytes",
    ]
)
def file(request: pytest.FixtureRequest, path: Path) -> Iterator[Any]:
    memory = InMemoryStorage()
    memory.save("a.csv", ContentFile(CONTENT))
    with ExitStack() as stack:
        big = stack.enter_context(TemporaryUploadedFile("../a.csv", "text/csv", len(CONTENT), None))
        big.write(CONTENT)
        big.flush()
        remote = stack.enter_context(RemoteStorage().open("a.csv"))
        yield {
            "path": path,
            "string": str(path),
            "open": stack.enter_context(path.open("rb")),
            "text": stack.enter_context(path.open()),
            "File": stack.enter_context(FileSystemStorage(path.parent).open("a.csv")),
            "FieldFile": FieldFile(None, FileField(storage=FileSystemStorage(path.parent)), "a.csv"),  # type: ignore[arg-type]
            "in memory": FieldFile(None, FileField(storage=memory), "a.csv"),  # type: ignore[arg-type]
            "upload": SimpleUploadedFile("a.csv", CONTENT),
            "big upload": big,
            "remote": remote,
            "bytes": io.BytesIO(CONTENT),
        }[request.param]


def test_each_opening_has_its_own_position(file: Any) -> None:
    open_anew = opener(file)
    with open_anew() as one, open_anew() as two:
        assert one.read(2) == b"a\n"
        assert two.read() == CONTENT
        assert one.read() == b"1\n"


def test_the_file_given_is_neither_moved_nor_needed(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(1)
        open_anew = opener(file)
        with open_anew() as own:
            own.read()
        assert file.tell() == 1
    with open_anew() as own:
        assert own.read() == CONTENT


def test_an_uploads_name_is_never_taken_for_a_path(path: Path) -> None:
    with opener(SimpleUploadedFile(str(path), b"other"))() as own:
        assert own.read() == b"other"


def test_a_relative_path_is_that_of_the_time_when_it_was_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    open_anew = opener("a.csv")
    monkeypatch.chdir("/")
    with open_anew() as own:
        assert own.read() == CONTENT


def test_a_field_without_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="The file field has no file"):
        opener(FieldFile(None, FileField(), ""))  # type: ignore[arg-type]


def test_a_file_that_cannot_be_opened_twice_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.gz", "wb") as compressed, tempfile.SpooledTemporaryFile() as spooled:
        for file in (compressed, spooled, b"a\n1\n", None):
            with pytest.raises(TypeError, match=r"can't be opened a second time.*Give a path"):
                opener(file)  # type: ignore[arg-type]


class Failing(io.BytesIO):
    """A file of which so many calls fail, here and in those that are opened instead of it."""

    fails: ClassVar[list[Exception]] = []

    def read(self, size: int | None = -1) -> bytes:
        if self.fails:
            raise self.fails.pop()
        return super().read(size)


@pytest.fixture
def steady() -> SteadyFile:
    return SteadyFile(lambda: Failing(CONTENT))


def test_a_file_whose_storage_fails_for_a_moment_is_read_on_from_where_it_was(steady: SteadyFile) -> None:
    assert steady.read(2) == b"a\n"
    Failing.fails[:] = [RuntimeError("gone for a moment"), OSError("still")]
    assert (steady.read(1), steady.read(), steady.tell()) == (b"1", b"\n", 4)


def test_a_storage_that_keeps_failing_is_given_up(steady: SteadyFile) -> None:
    Failing.fails[:] = [OSError("down")] * 4
    with pytest.raises(OSError, match="down"):
        steady.read()
    assert not Failing.fails


def test_what_lasts_is_raised_at_once(steady: SteadyFile) -> None:
    Failing.fails[:] = [OSError("not asked for"), PermissionError("not yours")]
    with pytest.raises(PermissionError):
        steady.read()
    Failing.fails.clear()
