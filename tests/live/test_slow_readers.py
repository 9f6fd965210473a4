"""A client that doesn't read holds nobody up, and gets the newest when it does."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from headway import runs
from tests.app.driving import after_items, claim, counted, work
from tests.workers import until

from .clients import cookie, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.once]
MEGABYTE = "1," * 500_000  # parameters that make each snapshot as long


def test_a_slow_reader_misses_what_is_old_and_gets_what_is_newest(server: Server, ada: Any) -> None:
    run = runs.start("tests.write_ledger", {"items": 3, "skip": MEGABYTE}, user=ada).run
    work(claim(run), after_items(1))
    counted()
    with socket.socket() as slow, stream(server, ada, run) as quick:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(request(server, cookie(ada), f"/api/runs/{run.pk}/events/"))
        slow.recv(1, socket.MSG_PEEK)
        first = quick.take()["run"]["revision"]
        told = [first]
        for change in [runs.pause, runs.resume] * 6 + [runs.cancel]:
            change(run)
            told.append(quick.take()["run"]["revision"])

        seen = [message["run"]["revision"] for message in messages(slow)]

    assert told == sorted(set(told)), "nobody else was held up"
    assert seen == sorted(set(seen))
    assert seen[-1] == told[-1]
    assert len(seen) < len(told)


def request(server: Server, headers: dict[str, str], path: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def messages(connection: socket.socket) -> list[dict[str, Any]]:
    """All that comes until it is closed, without the chunks' lengths."""
    with connection.makefile("rb") as lines:
        return [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


def test_one_that_never_reads_is_dropped_when_its_time_is_over(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(headway={"STREAM_SECONDS": 6}, TEST_GRACE_SECONDS=0.1)
    run = runs.start("tests.write_ledger", {"items": 3, "skip": MEGABYTE}, user=ada).run
    work(claim(run), after_items(1))
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(request(server, cookie(ada), f"/api/runs/{run.pk}/events/"))
        slow.recv(1, socket.MSG_PEEK)
        with stream(server, ada, run) as quick:
            for change in [runs.pause, runs.resume] * 4:
                quick.take()
                change(run)
        until(lambda: server.census()["watchers"] == 0)
        assert server.census()["kept"] == 0
