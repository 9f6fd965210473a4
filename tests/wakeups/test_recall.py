"""A cache remembers the runs of idempotency keys: a replay is cheaper with it, and the same without."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from headway import runs
from headway.errors import IdempotencyKeyReused, RunDeleted
from headway.models import IdempotencyKey, Run
from headway.runs import Disposition, Started
from headway.store.starts import keys
from servers.valkey import Valkey
from tests.app.driving import drive
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "0123-abcd"


class Failing(BaseCache):
    """A cache whose server is gone."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError

    def set(self, *args: Any, **kwargs: Any) -> None:
        raise ConnectionError


@pytest.fixture
def cache(valkey: Valkey, settings: Any) -> Iterator[Any]:
    """A real one, by Django's own backend for Redis, that Headway uses."""
    use(settings, BACKEND="django.core.cache.backends.redis.RedisCache", LOCATION=valkey.url)
    valkey.empty()
    yield caches["shared"]
    caches["shared"].close()


def use(settings: Any, **cache: Any) -> None:
    settings.CACHES = settings.CACHES | {"shared": cache}
    settings.HEADWAY = settings.HEADWAY | {"CACHE": "shared"}
    keys.fuse.failures = 0


def start(items: int = 1, key: str = KEY) -> Started:
    return runs.start("tests.write_ledger", {"items": items}, idempotency_key=key)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The tables' names in each statement meanwhile."""
    said: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield said
    said += [each["sql"] for each in captured]


@pytest.mark.once
def test_a_replay_reads_the_run_and_no_key(cache: Any) -> None:
    first = start()
    with statements() as said:
        again = start()
    assert (again.disposition, again.run.pk) == (Disposition.REPLAYED, first.run.pk)
    (only,) = said
    assert 'FROM "headway_run"' in only
    assert IdempotencyKey._meta.db_table not in only


@pytest.mark.once
def test_without_a_cache_it_reads_the_key(settings: Any) -> None:
    start()
    with statements() as said:
        assert start().disposition == Disposition.REPLAYED
    assert IdempotencyKey._meta.db_table in said[0]


@pytest.mark.once
def test_what_was_forgotten_is_read_from_the_database_and_kept_again(cache: Any, valkey: Valkey) -> None:
    first = start()
    valkey.empty()
    assert [start().run.pk for _ in range(2)] == [first.run.pk] * 2
    with statements() as said:
        assert start().run.pk == first.run.pk
    assert len(said) == 1


@pytest.mark.once
def test_for_something_else_it_is_refused_as_ever(cache: Any) -> None:
    start(1)
    start(1)
    with pytest.raises(IdempotencyKeyReused):
        start(2)


def test_a_run_that_is_gone_is_not_replayed(cache: Any) -> None:
    first = drive(start().run)
    runs.delete(first)
    with pytest.raises(RunDeleted):
        start()


def test_a_key_ends_a_day_after_its_run_whatever_the_cache_remembers(cache: Any) -> None:
    first = drive(start().run)
    Run.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(hours=24, minutes=1))
    again = start()
    assert again.disposition == Disposition.CREATED
    assert start().run.pk == again.run.pk != first.pk


def test_a_start_that_is_rolled_back_is_not_remembered(cache: Any) -> None:
    with transaction.atomic():
        lost = start().run
        transaction.set_rollback(True)
    again = start()
    assert (again.disposition, again.run.pk != lost.pk) == (Disposition.CREATED, True)


def test_one_that_joins_is_remembered_with_the_run_that_it_joined(cache: Any) -> None:
    first = start(key="another-one").run
    assert start().disposition == Disposition.JOINED
    with statements() as said:
        assert start().run.pk == first.pk
    assert len(said) == 1


@pytest.mark.parametrize(
    "nonsense", ["3f6e1a52-5c1e-4d1b-9a55-0c8a4f0d9b11", *once("no id", 7, {"id": 1}, b"\xff", "")]
)
def test_what_makes_no_sense_in_it_is_not_believed(cache: Any, nonsense: Any) -> None:
    first = start()
    (name,) = [key.decode().removeprefix(":1:") for key in cache._cache.get_client().keys("*")]
    cache.set(name, nonsense)
    again = start()
    assert (again.disposition, again.run.pk) == (Disposition.REPLAYED, first.run.pk)


@pytest.mark.once
def test_a_cache_that_raises_costs_nothing_but_the_reading(settings: Any) -> None:
    use(settings, BACKEND="tests.wakeups.test_recall.Failing")
    first = start()
    assert [start().run.pk for _ in range(3)] == [first.run.pk] * 3


@pytest.mark.once
def test_a_cache_that_hangs_is_left_alone_for_a_while(settings: Any) -> None:
    with Valkey() as server:
        hurried = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "retry": None}
        use(settings, BACKEND="django.core.cache.backends.redis.RedisCache", LOCATION=server.url, OPTIONS=hurried)
        first = start()
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        began = time.monotonic()
        replays = {start().run.pk for _ in range(20)}
        took = time.monotonic() - began
        os.kill(server.pid, signal.SIGCONT)
    caches["shared"].close()
    assert replays == {first.run.pk}
    assert took < 3, "and not 20 times its timeout"
