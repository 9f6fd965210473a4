"""What is sent is judged before it is kept: by whom, whereto and how much."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from select import select
from typing import Any

import httpx
import pytest
from django.conf import settings

from example.airports.rows import COLUMNS
from headway.live import asgi
from headway.models import Run

from .clients import cookie, http
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

HUGE = 1536 << 20
FORM = "multipart/form-data; boundary=x"
IMPORT = "/api/operations/airports.import_airports/runs/"
PAGE = "/start/airports.import_airports/"
PATIENCE = 10  # s
BLOCK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@contextmanager
def sending(
    server: Server, path: str, *headers: str, method: str = "POST", kind: str = FORM
) -> Iterator[socket.socket]:
    """A request whose body hasn't been sent yet."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *headers]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        yield connection


def answer(connection: socket.socket) -> tuple[int, HTTPResponse]:
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response


def announced(server: Server, path: str, *headers: str, length: int = HUGE, **how: str) -> tuple[int, HTTPResponse]:
    """What the server says before it has seen a byte of the body."""
    with sending(server, path, f"Content-Length: {length}", *headers, **how) as connection:
        return answer(connection)


def signed_in(user: Any) -> str:
    return "Cookie: " + cookie(user)["Cookie"]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (IMPORT, "POST"),
        ("/api/operations/no.such/runs/", "POST"),
        ("/api/runs/00000000-0000-4000-8000-000000000000/pause/", "POST"),
        ("/api/runs/00000000-0000-4000-8000-000000000000/wait/", "POST"),
        ("/api/runs/00000000-0000-4000-8000-000000000000/", "DELETE"),
        ("/api/runs/", "GET"),
        ("/api/runs/nowhere/at/all/", "POST"),
        ("/login/", "POST"),
        ("/nowhere/", "POST"),
    ],
)
def test_a_body_that_is_too_long_is_refused_before_a_byte_of_it_has_come(
    server: Server, path: str, method: str
) -> None:
    status, response = announced(server, path, method=method)
    assert (status, response.getheader("Content-Type")) == (413, "application/problem+json")


def test_json_has_its_own_limit_and_so_has_a_form_that_no_operation_waits_for(server: Server, ada: Any) -> None:
    length = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    assert announced(server, IMPORT, signed_in(ada), length=length, kind="application/json")[0] == 413
    assert announced(server, "/api/runs/", signed_in(ada), length=length)[0] == 413


@pytest.mark.parametrize("header", ["Cookie: sessionid=forged", "Authorization: Token forged", "X: y"])
def test_an_upload_by_nobody_is_refused_before_a_byte_of_it_has_come(server: Server, header: str) -> None:
    status, response = announced(server, IMPORT, header, length=100 << 20)
    assert status == 401
    assert response.getheader("WWW-Authenticate")


def test_a_person_who_was_signed_out_meanwhile_is_led_to_the_sign_in(server: Server) -> None:
    status, response = announced(server, PAGE, length=100 << 20)
    assert (status, response.getheader("Location")) == (302, f"/login/?next={PAGE}")


def test_a_person_is_told_on_the_page_that_an_upload_is_too_large(server: Server, ada: Any) -> None:
    with sending(server, PAGE, f"Content-Length: {HUGE}", signed_in(ada)) as connection:
        status, response = answer(connection)
        text = response.read().decode()
    assert (status, response.getheader("Content-Type")) == (413, "text/html; charset=utf-8")
    assert "That was too large, so nothing was started." in text
    assert "1.0\xa0GB" in text
    assert not Run.objects.exists()


def test_a_body_without_a_length_is_cut_at_the_limit(server: Server) -> None:
    with sending(server, "/login/", "Transfer-Encoding: chunked") as connection:
        sent = fill(connection, 100 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        assert answer(connection)[0] == 413
    assert sent <= 20 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # what the kernel's buffers on both sides may hold


@pytest.mark.parametrize("path", [IMPORT, PAGE, "/api/runs/"])
def test_our_own_addresses_refuse_a_body_without_a_length_before_a_byte_of_it_has_come(
    server: Server, ada: Any, path: str
) -> None:
    with sending(server, path, "Transfer-Encoding: chunked", signed_in(ada)) as connection:
        status, response = answer(connection)
        assert (status, response.getheader("Content-Type")) == (400, "application/problem+json")
        assert "has no Content-Length" in response.read().decode()


def fill(connection: socket.socket, most: int) -> int:
    """Send blocks until an answer is there; how many bytes were sent."""
    sent, rest = 0, BLOCK
    while sent < most:
        readable, writable, _ = select([connection], [connection], [], PATIENCE)
        if readable or not writable:
            break
        gone = connection.send(rest)
        sent, rest = sent + gone, rest[gone:] or BLOCK
    return sent


def test_an_upload_without_a_length_by_nobody_is_refused_before_a_byte_of_it_has_come(server: Server) -> None:
    with sending(server, IMPORT, "Transfer-Encoding: chunked") as connection:
        assert answer(connection)[0] == 401


def test_an_upload_within_the_limit_starts_its_run(server: Server, ada: Any) -> None:
    content = ",".join(COLUMNS) + "\n" + "x" * (1 << 17)
    with http(server, ada) as client:
        client.get("/login/")  # for the token
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Cookie": cookies(client, ada)}
        answered = client.post(IMPORT, files={"file": ("airports.csv", content)}, headers=headers)
    assert (answered.status_code, Run.objects.count()) == (202, 1)


def cookies(client: httpx.Client, user: Any) -> str:
    return f"csrftoken={client.cookies['csrftoken']}; {cookie(user)['Cookie']}"


def test_other_addresses_are_bounded_only_where_the_project_says_so() -> None:
    async def kept(length: int, **bounds: int) -> int:
        """The status that an application's address has which takes whatever comes."""
        events: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            if (await receive())["type"] == "http.disconnect":
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def receive() -> Any:
            return {"type": "http.request", "body": b"x" * length, "more_body": False}

        async def send(event: Any) -> None:
            events.append(event)

        scope = {"type": "http", "method": "POST", "path": "/login/", "headers": [], "query_string": b""}
        await asgi(application, **bounds)(scope, receive, send)
        status: int = events[0]["status"]
        return status

    assert asyncio.run(kept(1000)) == 200
    assert asyncio.run(kept(1000, max_body_bytes=1000)) == 200
    assert asyncio.run(kept(1001, max_body_bytes=1000)) == 413
