"""A storage of uploads that is full: an outage, told alike on each way in, and nothing is left of the start."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command

from headway import runs
from headway.errors import UploadNotStored
from headway.models import Run
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PEOPLE = "tests.http_people"
SENTENCE = "The file 'people.csv' can't be stored now, so nothing was started. Try again."


class Full(FileSystemStorage):
    """On a file system that has no room after a few bytes."""

    def _save(self, name: str, content: Any) -> str:
        super()._save(name, ContentFile(content.read(4)))  # type: ignore[misc]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The storage's. Nothing may be left there, nor in the database."""
    full = {"BACKEND": f"{__name__}.Full", "OPTIONS": {"location": tmp_path / "uploads"}}
    settings.STORAGES = settings.STORAGES | {"default": full}
    yield tmp_path
    assert not Run.objects.exists()
    assert [found for found in (tmp_path / "uploads").rglob("*") if found.is_file()] == []


def people() -> Any:
    return ContentFile(b"name\nAda\n", name="people.csv")


def test_code_gets_an_error_of_headways_own(demo: Any) -> None:
    with pytest.raises(UploadNotStored) as raised:
        runs.start(PEOPLE, {"file": people()}, user=demo)
    assert str(raised.value) == SENTENCE


def test_the_api_is_overloaded_and_takes_the_same_key_again(api: Api, settings: Any, tmp_path: Path) -> None:
    def send() -> Any:
        return api.upload(PEOPLE, {"file": people()}, **{"Idempotency-Key": "a-key-to-keep"})

    assert assert_problem(send(), "overloaded", fallback="poll")["detail"] == SENTENCE
    backend = "django.core.files.storage.FileSystemStorage"
    room = {"BACKEND": backend, "OPTIONS": {"location": tmp_path / "room"}}
    settings.STORAGES = settings.STORAGES | {"default": room}
    answer = send()
    assert (answer.status_code, answer["Headway-Disposition"]) == (202, "created")
    runs.delete(runs.cancel(answer.json()["id"]))


def test_the_page_keeps_its_form_and_the_log_has_the_storages_traceback(
    api: Api, demo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.force_login(demo)
    answer = api.post(f"/start/{PEOPLE}/", {"file": people(), "copies": "1"})
    assert answer.status_code == 503
    assert "can&#x27;t be stored now, so nothing was started" in answer.content.decode()
    assert "No space left on device" in caplog.text
    assert "in _save" in caplog.text


def test_the_shell_is_told_what_the_storage_says(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name\nAda\n")
    with pytest.raises(CommandError) as raised:
        call_command("headway_run", PEOPLE, param=[f"file={tmp_path / 'people.csv'}"])
    assert str(raised.value) == f"{SENTENCE} The storage says: [Errno 28] No space left on device"
