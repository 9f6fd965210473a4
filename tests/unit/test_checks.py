"""What can't work is told at start-up, with an id and what to do."""

import re
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpResponse
from django.test.utils import override_script_prefix
from django.urls import include, path

from headway.checks import check_database, check_pages, check_routers, check_settings, check_sign_in, check_uploads
from headway.conf import Conf, conf
from headway.idempotency import Middleware
from headway.management import diagnosis
from headway.setting_checks import check_idempotency
from tests.shell.manage import manage, on_sqlite, without_traceback

PLAIN = """
import os
from tests.settings import *
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["TEST_DATABASE_NAME"]}}
"""
COMMANDS = [["check"], ["headway_run", "airports.import_airports"]]


def found(settings: Any, declared: Any) -> str:
    """What is said of these settings."""
    settings.HEADWAY = declared
    (error,) = check_settings()
    assert error.id == "headway.E001"
    assert error.hint == "Mend HEADWAY in the project's settings."
    with pytest.raises(ImproperlyConfigured):
        conf()
    return str(error.msg)


class TestSettings:
    def test_the_defaults_hold_where_nothing_is_declared(self, settings: Any) -> None:
        del settings.HEADWAY
        assert check_settings() == []
        assert conf() == Conf(lease_seconds=10.0, slice_seconds=30.0, busy_slice_seconds=2.0)

    def test_each_may_be_set(self, settings: Any) -> None:
        settings.HEADWAY = {"LEASE_SECONDS": 3, "SLICE_SECONDS": 0.5}
        assert check_settings() == []
        assert (conf().lease_seconds, conf().slice_seconds) == (3.0, 0.5)

    @pytest.mark.parametrize(
        ("declared", "said"),
        [
            ({"LEASE_SECONDS": "10"}, "HEADWAY['LEASE_SECONDS'] is '10'; it must be a number of seconds above 0."),
            ({"LEASE_SECONDS": True}, "HEADWAY['LEASE_SECONDS'] is True; it must be a number of seconds above 0."),
            (
                {"LEASE_SECONDS": float("nan")},
                "HEADWAY['LEASE_SECONDS'] is nan; it must be a number of seconds above 0.",
            ),
            (
                {"LEASE_SECONDS": float("inf")},
                "HEADWAY['LEASE_SECONDS'] is inf; it must be a number of seconds above 0.",
            ),
            (None, "HEADWAY is None; it must be a dictionary, such as {'LEASE_SECONDS': 10}."),
            (
                ["LEASE_SECONDS"],
                "HEADWAY is ['LEASE_SECONDS']; it must be a dictionary, such as {'LEASE_SECONDS': 10}.",
            ),
        ],
    )
    def test_what_cannot_be_meant_is_told(self, settings: Any, declared: Any, said: str) -> None:
        assert found(settings, declared) == said

    @pytest.mark.parametrize("key", ["LEASE", "lease_seconds"])
    def test_an_unknown_key_is_told_with_those_that_there_are(self, settings: Any, key: str) -> None:
        said = found(settings, {key: 10})
        assert said.startswith(f"HEADWAY has no setting {key!r}. There are: ")
        assert {"BUSY_SLICE_SECONDS", "LEASE_SECONDS"} < set(re.split("[ ,.]+", said))

    def test_all_that_is_wrong_is_told_at_once(self, settings: Any) -> None:
        settings.HEADWAY = {"LEASE_SECOND": 9, "ENGINE": "embeded", "CACHE": "", "KEEP": 30}
        told = [(error.id, str(error.msg).partition(";")[0].partition(". ")[0]) for error in check_settings()]
        assert told == [
            ("headway.E001", "HEADWAY has no setting 'LEASE_SECOND'"),
            ("headway.E001", "HEADWAY['ENGINE'] is 'embeded'"),
            ("headway.E001", "HEADWAY['KEEP'] is 30"),
        ]

    @pytest.mark.parametrize(("path", "fits"), [("/live/", True), ("live", False), (5, False)])
    def test_a_path_begins_and_ends_with_a_slash(self, settings: Any, path: Any, fits: bool) -> None:
        settings.HEADWAY = {"SOCKET_PATH": path}
        assert (check_settings() == []) is fits


class TestDatabase:
    def test_the_suites_own_database_is_fine(self) -> None:
        assert check_database() == []

    def test_another_kind_of_database_is_told_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(connection._connections[connection._alias]), "vendor", "oracle")  # type: ignore[attr-defined]
        (error,) = check_database()
        assert (error.id, error.msg) == ("headway.E002", "Headway doesn't run on oracle.")
        assert error.hint == "Use one of: postgresql, sqlite."

    @pytest.mark.once
    def test_a_sqlite_without_returning_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
        (error,) = check_database()
        assert error.id == "headway.E019"
        assert error.msg == f"SQLite {sqlite3.sqlite_version} has no RETURNING: Headway needs 3.35 or newer."

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
    @pytest.mark.slow
    def test_no_command_starts_on_a_sqlite_as_django_sets_it_up(self, tmp_path: Path, command: list[str]) -> None:
        (tmp_path / "plain_settings.py").write_text(PLAIN)
        file = tmp_path / "db.sqlite3"
        env = on_sqlite(file, "plain_settings")
        env["PYTHONPATH"] += f":{tmp_path}"
        said = without_traceback(manage(*command, env=env))
        assert (
            "(headway.E003) SQLite's transactions are not IMMEDIATE: two writers at once would fail with "
            "'database is locked'.\n"
            '\tHINT: Add "transaction_mode": "IMMEDIATE" to OPTIONS of the default database.\n'
        ) in said
        assert (
            "(headway.E004) SQLite is not told to use its write-ahead log (WAL): readers and writers would wait for "
            "each other.\n"
            '\tHINT: Add "init_command": "PRAGMA journal_mode=WAL" to OPTIONS of the default database, and never '
            "put the file on a network disk."
        ) in said
        assert not file.exists() or file.stat().st_size == 0, "nothing was written (Django 6.1 opens it for a look)"


class TestRouters:
    def test_the_suites_own_are_fine(self) -> None:
        assert check_routers() == []

    def test_one_that_keeps_headways_tables_out_is_told(self, settings: Any) -> None:
        settings.DATABASE_ROUTERS = [KeepsHeadwayOut()]
        (error,) = check_routers()
        assert (error.id, error.is_serious()) == ("headway.E022", True)

    def test_one_that_sends_users_elsewhere_is_told(self, settings: Any) -> None:
        settings.DATABASE_ROUTERS = [SendsUsersAway()]
        (error,) = check_routers()
        assert error.id == "headway.E023"
        assert error.msg.startswith("DATABASE_ROUTERS send users to the database 'people'")

    def test_one_that_reads_from_a_replica_is_fine(self, settings: Any) -> None:
        settings.DATABASE_ROUTERS = [ReadsFromReplica()]
        assert check_routers() == []


class KeepsHeadwayOut:
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "headway" else None


class SendsUsersAway:
    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "people" if model._meta.app_label in ("auth", "example") else None


class ReadsFromReplica:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


class TestPages:
    def test_with_sessions_they_are_fine(self) -> None:
        assert check_pages() == []

    @pytest.mark.parametrize("lacking", ["SessionMiddleware", "AuthenticationMiddleware"])
    def test_pages_to_which_nobody_can_sign_in_are_told(self, settings: Any, lacking: str) -> None:
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not path.endswith(lacking)]
        (warning,) = check_pages()
        assert warning.id == "headway.W024"
        assert f"MIDDLEWARE has no {lacking}: nobody could sign in" in warning.msg

    def test_where_there_are_no_pages_nobody_needs_to_sign_in(self, settings: Any) -> None:
        settings.MIDDLEWARE, settings.ROOT_URLCONF = [], __name__
        assert check_pages() == []

    @pytest.mark.parametrize(
        ("address", "told"),
        [
            ("/accounts/login/", "LOGIN_URL leads to /accounts/login/, which is a 404."),
            ("nowhere:in", "LOGIN_URL is 'nowhere:in', which is neither a path nor the name of a URL."),
            (None, "LOGIN_URL is None, which is neither a path nor the name of a URL."),
        ],
    )
    def test_a_sign_in_that_leads_nowhere_is_told(self, settings: Any, address: str | None, told: str) -> None:
        settings.LOGIN_URL = address
        (warning,) = check_sign_in()
        assert (warning.id, warning.msg) == ("headway.W035", f"Headway's pages ask for a sign-in. {told}")
        settings.ROOT_URLCONF = __name__
        assert check_sign_in() == []

    @pytest.mark.parametrize("address", ["/login/", "/login/?next=/", "/login", "https://sign-in.example/"])
    def test_a_sign_in_that_leads_to_a_page_is_fine(self, settings: Any, address: str) -> None:
        settings.LOGIN_URL = address
        assert check_sign_in() == []

    def test_a_sign_in_below_a_path_is_fine(self, settings: Any) -> None:
        settings.LOGIN_URL = "login"
        with override_script_prefix("/site/"):
            assert check_sign_in() == []

    def test_a_sign_in_to_which_the_languages_middleware_leads_is_fine(self, settings: Any) -> None:
        urls = ModuleType("urls")
        ours = [path("", include("headway.ui.urls")), path("login/", lambda request: HttpResponse())]
        urls.urlpatterns = i18n_patterns(*ours)  # type: ignore[attr-defined]
        settings.ROOT_URLCONF, settings.LOGIN_URL = urls, "/login/"
        assert check_sign_in() == []


urlpatterns: list[Any] = []


class TestUploads:
    def test_in_a_folder_that_all_processes_find_they_are_fine(self) -> None:
        assert check_uploads() == []

    @pytest.mark.parametrize("root", ["", "media"])
    def test_below_the_folder_in_which_a_process_was_started_they_are_told(self, settings: Any, root: str) -> None:
        settings.MEDIA_ROOT = root
        (warning,) = check_uploads()
        assert warning.id == "headway.W034"
        assert "MEDIA_ROOT" in warning.msg
        assert "airports.import_airports" in warning.msg
        assert diagnosis.of_uploads().text.count(f"Runs keep them in {Path(root).absolute()}.")

    @pytest.mark.parametrize("backend", ["django.core.files.storage.InMemoryStorage", "no.such.Storage"])
    def test_of_a_storage_without_folders_nothing_is_told(self, settings: Any, backend: str) -> None:
        settings.MEDIA_ROOT = ""
        settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend}}
        assert check_uploads() == []


class TestIdempotency:
    """HEADWAY["IDEMPOTENT_PREFIXES"] and the middleware that heeds them belong together."""

    KEYS, OTHERS = "headway.idempotency.Middleware", "tests.unit.test_checks.OtherKeys"

    @pytest.fixture(autouse=True)
    def prefixes(self, settings: Any) -> None:
        settings.HEADWAY = {"IDEMPOTENT_PREFIXES": {"/api/": "optional"}}

    @pytest.mark.parametrize("path", [KEYS, OTHERS])
    def test_behind_those_who_know_the_user_it_is_fine(self, settings: Any, path: str) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, path]
        assert check_idempotency() == []

    def test_without_sign_ins_by_a_session_it_is_fine_anywhere(self, settings: Any) -> None:
        settings.MIDDLEWARE = [self.KEYS]
        assert check_idempotency() == []

    def test_without_it_nothing_is_protected_and_that_is_told(self, settings: Any) -> None:
        (error,) = check_idempotency()
        assert (error.id, "what is sent twice is done twice" in error.msg) == ("headway.E029", True)
        settings.HEADWAY = {}
        assert check_idempotency() == []

    @pytest.mark.parametrize("path", [KEYS, OTHERS])
    def test_before_those_who_know_the_user_it_is_told(self, settings: Any, path: str) -> None:
        settings.MIDDLEWARE = [path, *settings.MIDDLEWARE]
        (warning,) = check_idempotency()
        assert warning.id == "headway.W030"
        assert f"{path} stands before django.contrib.auth.middleware.AuthenticationMiddleware" in warning.msg

    def test_a_middleware_that_is_misspelt_breaks_no_check(self, settings: Any) -> None:
        settings.MIDDLEWARE = ["nowhere.Middleware", "headway.idempotency.Midleware", *settings.MIDDLEWARE]
        assert [error.id for error in check_idempotency()] == ["headway.E029"]
        assert check_pages() == []


class OtherKeys(Middleware):
    """A project's own."""
