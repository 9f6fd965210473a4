"""manage.py headway_doctor: one screen, and 1 where a promise can't be kept."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path

from headway.store.parts import workers

from .manage import manage, on_sqlite

pytestmark = pytest.mark.django_db


def screen(fails: bool = False) -> dict[str, tuple[str, str]]:
    """What it says: by its subject, the level and the sentence with its advice."""
    out = StringIO()
    if fails:
        with pytest.raises(SystemExit, match=r"^1$"):
            call_command("headway_doctor", stdout=out, no_color=True)
    else:
        call_command("headway_doctor", stdout=out, no_color=True)
    lines = re.findall(r"^(ok|warn|fail) +(\S.{11})  (.*(?:\n {20}.*)*)", out.getvalue(), re.MULTILINE)
    return {about.strip(): (level, text) for level, about, text in lines}


@pytest.fixture(autouse=True)
def healthy(settings: Any) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    workers.beat("alive", "host", 1, 0)


def test_a_healthy_installation_has_nothing_to_mend() -> None:
    said = screen()
    assert {level for level, _ in said.values()} == {"ok"}
    assert list(said) == [
        "settings", "database", "workers", "clock", "addresses", "sign-in", "static files", "live", "uploads",
    ]  # fmt: skip
    assert said["workers"] == ("ok", "1 worker has been heard of lately, engine 'embedded'.")


def test_no_worker_is_a_failure_that_says_what_to_start() -> None:
    workers.leave("alive")
    level, text = screen(fails=True)["workers"]
    assert level == "fail"
    assert "Start: manage.py headway_worker" in text


def test_a_sign_in_that_is_a_404_is_a_failure(settings: Any) -> None:
    settings.LOGIN_URL = "/nowhere/login/"
    level, text = screen(fails=True)["sign-in"]
    assert (level, text.splitlines()[0]) == ("fail", "LOGIN_URL leads to /nowhere/login/, which is a 404.")


def test_static_files_that_nobody_serves_are_a_failure(settings: Any, tmp_path: Path) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path
    level, text = screen(fails=True)["static files"]
    assert level == "fail"
    assert "collectstatic" in text


def test_an_application_without_live_delivery_is_a_warning(settings: Any) -> None:
    settings.ASGI_APPLICATION = f"{__name__}.plain"
    level, text = screen()["live"]
    assert level == "warn"
    assert "headway.live.asgi(get_asgi_application())" in text


def test_an_upload_that_finds_no_room_is_a_warning(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"MAX_UPLOAD_BYTES": 1 << 60}
    assert screen()["uploads"][0] == "warn"


def test_wrong_settings_are_told_and_nothing_else(settings: Any) -> None:
    settings.HEADWAY = {"LEASE": 10}
    said = screen(fails=True)
    assert list(said) == ["settings"]
    assert "headway.E001" in said["settings"][1]


def test_pages_that_are_not_mounted_are_a_warning(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    said = screen()
    assert said["addresses"][0] == "warn"


@pytest.mark.once
def test_a_database_without_its_tables_is_a_failure(tmp_path: Path) -> None:
    said = manage("headway_doctor", env=on_sqlite(tmp_path / "db.sqlite3"))
    assert said.returncode == 1
    assert "Run: manage.py migrate" in said.stdout
    assert "Traceback" not in said.stderr


def plain(scope: Any) -> None:
    """An ASGI application of another's."""


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("sign-in/", page, name="login")]
