"""uvicorn as a launched server: it dies with whoever started it, and its port stays the same."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from servers.server import ServerError
from servers.web import Web

ROOT = Path(__file__).parents[2]
TIMEOUT = 60  # s
APPLICATION = "tests.servers.dripping:application"

CALLER = f"""
import sys
from servers.web import Web

with Web(2, application={APPLICATION!r}) as web:
    print(web.url, flush=True)
    sys.stdin.read()
"""


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=TIMEOUT).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_caller_that_ends_leaves_no_process(number: signal.Signals) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", CALLER], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as caller:
        assert caller.stdout is not None
        url = caller.stdout.readline().strip()
        answered = answers(url)

        caller.send_signal(number)
        caller.communicate(timeout=TIMEOUT)  # its standard error ends when all who hold it have ended

    assert answered
    assert not answers(url)


@pytest.mark.parametrize("processes", [1, 2])
def test_after_a_crash_it_comes_back_at_its_port(processes: int) -> None:
    with Web(processes, application=APPLICATION) as web:
        url = web.url
        web.crash()
        gone = not answers(url)

        web.start()

        assert gone
        assert web.url == url
        assert answers(url)


def test_an_application_that_is_not_there_is_told_with_the_log() -> None:
    with pytest.raises(ServerError, match=r"(?s)The web process did not start.*no_such_module") as told:
        Web(application="no_such_module:application").start()

    assert "\n" in str(told.value)


def test_a_port_that_another_has_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ServerError, match=rf"127.0.0.1:{port}: Address already in use"):
            Web(application=APPLICATION, ports=[port]).start()


def test_a_server_that_has_ended_by_itself_is_told() -> None:
    with Web(application=APPLICATION) as web:
        web.check()
        web.crash()

        with pytest.raises(ServerError, match=r"The web process has ended \(exit code -9\)"):
            web.check()
