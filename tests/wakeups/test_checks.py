"""What can't work, or is of no use, is told at start-up."""

import importlib.util
from typing import Any

import pytest
from django.db import connection

from headway.setting_checks import check_cache, check_holds, check_wake_ups


class TestWakeUps:
    @pytest.mark.parametrize("address", ["", "off", "redis://localhost/1", "rediss://h", "unix:///run/valkey.sock"])
    def test_these_are_fine(self, settings: Any, address: str) -> None:
        settings.HEADWAY = {"WAKE_UPS": address}
        assert check_wake_ups() == []

    def test_redis_without_its_library_is_told(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.HEADWAY = {"WAKE_UPS": "redis://:secret@localhost"}
        monkeypatch.setattr("headway.setting_checks.find_spec", lambda name: None)
        assert importlib.util.find_spec("redis")
        (error,) = check_wake_ups()
        assert (error.id, error.hint) == ("headway.E015", 'pip install "django-headway[redis]"')
        assert "secret" not in error.msg

    def test_an_address_of_postgresql_takes_that_database(self, settings: Any) -> None:
        settings.HEADWAY = {"WAKE_UPS": "postgresql://:secret@localhost/app"}
        found = check_wake_ups()
        if connection.vendor == "postgresql":
            assert found == []
            return
        (error,) = found
        assert error.id == "headway.E016"
        assert error.msg == (
            'HEADWAY["WAKE_UPS"] is an address of PostgreSQL (postgresql://…), and the default database is sqlite: '
            "nobody would tell anything there."
        )


class TestHolds:
    def test_redis_without_its_library_is_told(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.HEADWAY = {"HOLDS": "redis://:secret@localhost"}
        assert check_holds() == []
        monkeypatch.setattr("headway.setting_checks.find_spec", lambda name: None)
        (error,) = check_holds()
        assert error.id == "headway.E021"
        assert "secret" not in error.msg


class TestCache:
    @pytest.mark.parametrize(
        ("alias", "backend"), [("", "dummy.DummyCache"), ("shared", "redis.RedisCache"), ("shared", "x.Own")]
    )
    def test_these_are_fine(self, settings: Any, alias: str, backend: str) -> None:
        use(settings, alias, backend)
        assert check_cache() == []

    def test_an_alias_that_is_not_there_is_told(self, settings: Any) -> None:
        settings.HEADWAY = {"CACHE": "nowhere"}
        (error,) = check_cache()
        assert (error.id, error.msg) == (
            "headway.E017",
            "HEADWAY[\"CACHE\"] is 'nowhere', and CACHES has no such name.",
        )
        assert error.hint == "There are: default. Or leave it out: no cache is needed."

    @pytest.mark.parametrize("backend", ["dummy.DummyCache", "locmem.LocMemCache", "db.DatabaseCache"])
    def test_one_that_saves_nothing_is_warned_of(self, settings: Any, backend: str) -> None:
        use(settings, "shared", backend)
        (warning,) = check_cache()
        assert warning.id == "headway.W018"
        assert warning.msg.startswith("HEADWAY[\"CACHE\"] is 'shared', which saves nothing: ")


def use(settings: Any, alias: str, backend: str) -> None:
    settings.CACHES = settings.CACHES | {"shared": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    settings.HEADWAY = {"CACHE": alias}
