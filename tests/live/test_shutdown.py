"""A web process that is told to end tells its watchers to come back, and is gone."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from socket import create_connection
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from headway import runs
from tests.pace import BareProcess

from .clients import cookie, socket, stream
from .crowds import Crowd
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
SOCKETS = 300  # more than a server's look at its signals, every tenth of a second, leaves time for


@pytest.mark.alone
def test_a_thousand_streams_are_told_to_come_back_and_it_is_gone_in_two_seconds(
    serve: Callable[..., Server], ada: Any
) -> None:
    server = serve(headway={"STREAMS_PER_USER": 2_000})
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    with Crowd(server, cookie(ada)) as crowd:
        crowd.open(f"/api/runs/{run.pk}/events/", 1_000)
        with BareProcess() as bare:
            began = time.monotonic()
            server.terminate()
            server.process.wait(30)
            took = time.monotonic() - began
        crowd.until(lambda reader: reader.closed)

    rotations = [bytes(reader.data) for reader in crowd.readers]
    assert all(b'"type":"rotate","reason":"shutdown"' in said for said in rotations)
    assert all(said.endswith(b"0\r\n\r\n") for said in rotations), "each response is complete"
    retries = {said.rpartition(b"retry: ")[2].partition(b"\n")[0] for said in rotations}
    assert max(map(int, retries)) <= 2_000
    assert len(retries) > 300, "they don't all come back at once"
    assert "Traceback" not in server.said()
    assert "ERROR" not in server.said()
    assert bare.undisturbed(took) < 2


def test_a_socket_is_told_too(serve: Callable[..., Server], ada: Any) -> None:
    server = serve()
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    with socket(server, ada, run) as opened:
        opened.take()
        server.terminate()
        *_, last = opened
        assert (last["type"], last["reason"], opened.code()) == ("rotate", "shutdown", 1012)
    server.process.wait(10)
    assert "Traceback" not in server.said()


def test_hundreds_of_sockets_are_told_before_any_is_closed(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(headway={"STREAMS_PER_USER": 500})
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    headers = cookie(ada)

    async def last_words() -> list[str]:
        """What each of the sockets heard last."""
        address = f"{server.socket_url}/ws/runs/{run.pk}/"
        opened = [await connect(address, additional_headers=headers) for _ in range(SOCKETS)]
        server.terminate()
        return await asyncio.gather(*map(last_word, opened))

    assert set(asyncio.run(last_words())) == {"rotate"}
    server.process.wait(10)
    assert "Traceback" not in server.said()


async def last_word(opened: ClientConnection) -> str:
    kind = ""
    with suppress(ConnectionClosed):
        while True:
            kind = json.loads(await opened.recv())["type"]
    return kind


def test_without_watchers_it_ends_as_ever(serve: Callable[..., Server], ada: Any) -> None:
    server = serve()
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    with stream(server, ada, run) as opened:
        opened.take()
    server.terminate()
    server.process.wait(10)
    assert "Traceback" not in server.said()


def test_one_who_comes_first_while_it_is_told_to_end_is_told_too(serve: Callable[..., Server], ada: Any) -> None:
    server = serve()
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    asked = f"GET /api/runs/{run.pk}/events/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie(ada)['Cookie']}\r\n\r\n"
    os.kill(server.process.pid, signal.SIGSTOP)  # so that it gets the signal and the request at once
    with create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(asked.encode())
        server.terminate()
        os.kill(server.process.pid, signal.SIGCONT)
        said = b"".join(iter(lambda: client.recv(1 << 16), b""))
    server.process.wait(10)
    assert b'"type":"rotate","reason":"shutdown"' in said
    assert "Traceback" not in server.said()
