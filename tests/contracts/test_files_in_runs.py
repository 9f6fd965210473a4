"""Files that a run was started with: cut, gone, or on a storage that can't be reached for a moment."""

import io
from typing import Any, ClassVar

import pytest
from django import forms
from django.core.files.base import File
from django.core.files.storage import InMemoryStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from headway import Operation, runs, sources
from headway.models import Run
from tests.app.driving import after_items, claim, drive, fresh, work
from tests.app.models import LedgerEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ROWS = 20_000  # more than are read at once
CONTENT = b"n\n" + b"".join(b"%d\n" % n for n in range(ROWS))


class OneFile(forms.Form):
    """A file of numbers."""

    file = forms.FileField()


class ReadFile(Operation):
    """One ledger entry per thousand rows, so that it is quick."""

    permission = "signed-in"
    name = "tests.read_long_file"
    params = OneFile

    def items(self) -> sources.Source[Any]:
        return sources.csv(self.params["file"])

    def process(self, row: Any) -> None:
        if int(row["n"]) % 1000 == 0:
            LedgerEntry.objects.create(run=self.run.id, item=row["n"])


class BrokenConnection(Exception):
    """As botocore's, it derives from Exception alone."""


class Remote(io.RawIOBase):
    """A file on another machine: no path, and each eleventh call fails."""

    calls: ClassVar[int] = 0

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        hiccup()
        self.at = (0, self.at, len(self.content))[whence] + offset
        return self.at

    def read(self, size: int = -1) -> bytes:
        hiccup()
        end = len(self.content) if size < 0 else self.at + size
        data = self.content[self.at : end]
        self.at += len(data)
        return data


def hiccup() -> None:
    Remote.calls += 1
    if Remote.calls % 11 == 0:
        raise BrokenConnection("could not connect to the endpoint")


class RemoteStorage(InMemoryStorage):
    """A storage whose files are `Remote`."""

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        hiccup()
        kept: Any = super()._open(name, mode)
        return File(Remote(kept.read()), name)  # type: ignore[type-var]


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def started() -> Run:
    return runs.start(ReadFile, {"file": SimpleUploadedFile("n.csv", CONTENT)}).run


def cut(run: Run, size: int) -> None:
    """What an interrupted copy leaves: a whole number of rows."""
    name = run.params["file"]["$file"]["name"]
    default_storage.delete(name)
    default_storage.save(name, io.BytesIO(CONTENT[:size]))  # type: ignore[arg-type]


def put_back(run: Run) -> None:
    cut(run, len(CONTENT))


def ledger() -> list[int]:
    return sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))


ALL = list(range(0, ROWS, 1000))
SHORT = CONTENT.index(b"15000\n")


def test_an_upload_that_was_cut_before_its_run_began_pauses_it_until_it_is_whole(media: None) -> None:
    run = started()
    cut(run, SHORT)
    paused = drive(run)
    assert (paused.state, paused.reason_code, paused.total) == ("paused", "operation-error", None)
    assert f"The file 'n.csv' has {SHORT:,} bytes; when this run was started, it had" in paused.reason_text
    put_back(run)
    runs.resume(run)
    ended = drive(run)
    assert (ended.state, ended.total, ledger()) == ("succeeded", ROWS, ALL)


def test_an_upload_that_is_cut_while_its_run_is_under_way_pauses_it_until_it_is_whole(media: None) -> None:
    run = started()
    work(claim(run), should_stop=after_items())
    cut(run, SHORT)
    assert drive(run).reason_code == "operation-error"
    put_back(run)
    runs.resume(run)
    assert (drive(run).state, ledger()) == ("succeeded", ALL)


def test_a_missing_upload_is_told_by_the_name_that_its_owner_knows_and_by_its_place_in_the_log_alone(
    media: None, caplog: pytest.LogCaptureFixture
) -> None:
    run = started()
    default_storage.delete(name := run.params["file"]["$file"]["name"])
    paused = drive(run)
    assert "The file 'n.csv', with which this run was started, isn't there: " in paused.reason_text
    assert name not in paused.reason_text
    assert default_storage.path(name) in caplog.text
    assert default_storage.path(name) in caplog.text


def test_a_storage_that_fails_now_and_then_costs_no_row_and_no_pause(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "tests.contracts.test_files_in_runs.RemoteStorage"}}
    Remote.calls = 0
    run = started()
    ended = drive(run)
    assert (ended.state, ledger()) == ("succeeded", ALL)
    assert Remote.calls > 10


def test_a_header_that_cannot_be_read_is_told_to_the_person(media: None) -> None:
    run = runs.start(ReadFile, {"file": SimpleUploadedFile("n.csv", b"n,n\n1,2\n")}).run
    drive(run)
    assert "The header has the column 'n' twice; each name may be there once." in fresh(run).reason_text
