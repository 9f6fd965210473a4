"""The proxy, before a uvicorn that drips: what it passes on, how, and what it cuts."""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from itertools import chain

import httpx
import niquests
import pytest

from servers.caddy import Caddy
from servers.server import ServerError
from servers.topology import MAX_UPLOAD_BYTES
from servers.web import Web
from tests.processes import whole_lines
from tests.workers import until

CUT = 1.5  # s
TIMEOUT = 30  # s


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the uvicorn that drips listens."""
    with Web(application="tests.servers.dripping:application") as web:
        yield web.ports[0]


@pytest.fixture(scope="module")
def caddy(port: int) -> Iterator[Caddy]:
    with Caddy(port, CUT) as caddy:
        yield caddy


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def client(caddy: Caddy, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client that speaks one version of the protocol with it."""
    trust = ssl.create_default_context(cafile=caddy.authority)
    second = request.param == "HTTP/2"
    with httpx.Client(
        base_url=caddy.secure_url, verify=trust, http1=not second, http2=second, timeout=TIMEOUT
    ) as client:
        assert client.get("/").http_version == request.param
        yield client


def test_a_response_that_drips_past_the_cut_is_cut(client: httpx.Client) -> None:
    began = time.monotonic()

    with pytest.raises(httpx.TransportError):
        client.get("/drip", params={"seconds": 3 * CUT})

    assert CUT - 0.1 < time.monotonic() - began < 2 * CUT


def test_a_response_that_ends_before_the_cut_is_whole(client: httpx.Client) -> None:
    assert client.get("/drip", params={"seconds": 0.5}).text == 5 * "drip\n"


def test_a_line_is_passed_on_at_once(caddy: Caddy) -> None:
    with httpx.stream("GET", f"{caddy.url}/hold", timeout=TIMEOUT) as response:
        lines = response.iter_lines()
        first = next(lines)
        httpx.get(f"{caddy.url}/go")  # only now does the application say more

        assert [first, *lines] == ["first", "second"]


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 413)])
def test_a_body_past_the_limit_is_cut(port: int, extra: int, status: int) -> None:
    block = bytes(1 << 20)
    body = (block for _ in range(MAX_UPLOAD_BYTES >> 20))
    with Caddy(port, TIMEOUT) as caddy, httpx.Client(base_url=caddy.url, timeout=TIMEOUT) as client:
        assert client.post("/take", content=chain(body, [bytes(extra)])).status_code == status


def test_it_speaks_http_3(caddy: Caddy) -> None:
    with niquests.Session(disable_http1=True, disable_http2=True) as session:
        answer = session.get(f"{caddy.secure_url}/drip?seconds=0.2", verify=str(caddy.authority), timeout=TIMEOUT)

    assert (answer.http_version, answer.text) == (30, 2 * "drip\n")


def test_a_request_is_logged_without_its_ticket(caddy: Caddy) -> None:
    httpx.get(f"{caddy.url}/drip?seconds=0.1&ticket=secret&mark=logged")

    until(lambda: any("mark=logged" in line for line in whole_lines(caddy.requests)))

    logged = [json.loads(line) for line in whole_lines(caddy.requests)]
    assert [entry["status"] for entry in logged if "mark=logged" in entry["request"]["uri"]] == [200]
    assert "secret" not in caddy.requests.read_text() + (caddy.directory / "server.log").read_text()


def test_nobody_else_can_reach_it(caddy: Caddy) -> None:
    own = "127.0.0.2"  # of loopback too, but not the one that it listens at
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing; tells by which address others reach this machine
        own = route.getsockname()[0]

    for port in caddy.ports:
        with pytest.raises(OSError):
            socket.create_connection((own, port), timeout=5)


def test_a_start_that_fails_tells_the_end_of_the_log() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]

        with pytest.raises(ServerError, match=rf"(?s)Caddy did not start.*udp 127.0.0.1:{port}"):
            Caddy(1, ports=[free, port]).start()
