"""`make demo`, as a person meets it: its own database, its own processes, Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from servers.server import ROOT
from tests.browser import LIKES, chromium
from tests.e2e.page import sign_in as sign_in_at
from tests.e2e.welcome import welcome_of
from tests.files import FEW_IMPORTED, FEW_ROWS, few_rows
from tests.forked import start_fresh
from tests.pace import BareProcess
from tests.processes import spawn
from tests.workers import children_of, until

TIMEOUT = 60  # s
PREPARE = "import django; django.setup(); from example.prepare import prepare; prepare()"
IMPORTED_WITHIN = 240  # s; 3 where nothing else runs
READY_WITHIN = 10  # s, once the database is there; 2 where nothing else runs


@contextmanager
def demo(data: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    """The demo in a terminal of its own, so to speak: what is sent to it goes to it alone."""
    process = spawn(
        [sys.executable, "-m", "servers.demo"],
        cwd=ROOT,
        env=inherited() | {"DATA_DIR": str(data), "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # its servers end with it


def inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TEST_SCRATCH"}}


@pytest.fixture
def port() -> int:
    return free_port()


def free_port() -> int:
    """One that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's folder, with its database."""
    folder = tmp_path_factory.mktemp("demo")
    told = inherited() | {"DJANGO_SETTINGS_MODULE": "example.settings", "DATA_DIR": str(folder), "DEMO": "1"}
    assert start_fresh(["-c", PREPARE], told).wait(TIMEOUT) == 0
    return folder


def test_the_demo_tells_its_address_and_who_can_sign_in_and_ends_at_ctrl_c(data: Path, port: int) -> None:
    with demo(data, port) as process:
        with BareProcess() as bare:
            took = until(lambda: "Headway is at" in welcome_of(process))
        api = httpx.get(f"http://localhost:{port}/api/operations/", headers={"Authorization": "Token demo"})
        signed_in = [sign_in(f"http://localhost:{port}/login/", name) for name in ("demo", "other", "admin")]

        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=TIMEOUT)

    assert bare.undisturbed(took) < READY_WITHIN
    assert api.status_code == 200
    names = [operation["name"] for operation in api.json()["results"]]
    assert names == [
        f"airports.{name}"
        for name in (
            "check_airports",
            "export_airports",
            "import_airports",
            "import_airports_in_sets",
            "nearest_neighbours",
            "write_to_airports",
        )
    ]
    assert [(answer.status_code, answer.headers.get("Location")) for answer in signed_in] == 3 * [(302, "/")]
    assert (process.returncode, rest.strip(), errors) == (0, "Ended.", "")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{port}/")


@pytest.mark.slow
def test_a_file_is_imported_and_watched_to_its_end_without_a_reload(tmp_path: Path, port: int) -> None:
    with demo(tmp_path, port) as process, chromium() as browser:
        welcome_of(process)
        page = browser.new_page(**LIKES)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        sign_in_at(page, f"http://localhost:{port}", "demo")

        page.goto(f"http://localhost:{port}/start/airports.import_airports/")
        page.set_input_files("input[type=file]", few_rows(tmp_path))
        page.get_by_role("button", name="Start import").click()
        page.wait_for_url("**/runs/**")
        page.evaluate("window.stayed = true")
        panel = page.locator(".hw-run")
        expect(panel).to_have_attribute("data-face", "partial", timeout=IMPORTED_WITHIN * 1000)
        for count in (f"{FEW_ROWS:,} of {FEW_ROWS:,}", f"{FEW_IMPORTED:,}", f"{FEW_ROWS - FEW_IMPORTED:,}"):
            expect(panel).to_contain_text(count)

        assert page.evaluate("window.stayed")
        assert errors == []


def sign_in(url: str, name: str) -> httpx.Response:
    """As a browser does it: each name is its password."""
    with httpx.Client(headers={"Referer": url}) as browser:
        browser.get(url)
        token = browser.cookies["csrftoken"]
        return browser.post(url, data={"username": name, "password": name, "csrfmiddlewaretoken": token})


def test_a_port_that_is_taken_is_told_with_what_to_do(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), demo(tmp_path, port) as process:
        output, errors = process.communicate(timeout=TIMEOUT)

    assert (process.returncode, output) == (1, "")
    assert errors == (
        f"Port {port} is taken: another program answers at http://localhost:{port}. "
        f"End it, or take another port: make demo PORT={port + 1}\n"
    )
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.parametrize("given", ["abc", "0", "65536", "-1", "8080 "])
def test_a_port_that_is_none_is_told(tmp_path: Path, given: str) -> None:
    with demo(tmp_path, given) as process:  # type: ignore[arg-type]
        _, errors = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 1
    assert errors == f"PORT is {given!r}; it must be a number from 1 to 65535, such as PORT=8081.\n"


@pytest.mark.parametrize(("name", "program"), [("The worker", "headway_worker"), ("The web process", "uvicorn")])
def test_when_one_process_dies_the_demo_says_which_and_ends(data: Path, port: int, name: str, program: str) -> None:
    with demo(data, port) as process:
        welcome_of(process)
        keepers = children_of(process.pid)
        (victim,) = [child for keeper in keepers for child in children_of(keeper) if program in command(child)]

        os.kill(victim, signal.SIGKILL)
        _, errors = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 1
    assert errors.startswith(f"{name} has ended (exit code -9). The end of ")
    assert "Traceback" not in errors
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{port}/")


def command(pid: int) -> str:
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
