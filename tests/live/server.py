"""A real uvicorn process on the test's own database."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.forked import start
from tests.workers import environment, until

__all__ = ["Server", "serving"]

READY = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


class Server:
    """A web process; ended with the test at the latest."""

    def __init__(self, log: Path, **settings: Any) -> None:
        """`settings` are the process's environment, and HEADWAY's keys as `headway={…}`."""
        self.log = log
        self.name = f"web-{uuid4()}"  # by which PostgreSQL knows its sessions
        headway = json.dumps(settings.pop("headway", {}))
        command = ["-m", "uvicorn", "tests.live.app:application", "--port", "0", "--log-level", "info"]
        told = {"TEST_HEADWAY": headway, "PGAPPNAME": self.name, **{name: str(of) for name, of in settings.items()}}
        with log.open("wb") as said:
            self.process = start(command, environment() | told, said, said)
        until(lambda: self.process.poll() is not None or READY.search(self.said()))
        found = READY.search(self.said())
        assert found, self.said()
        self.port = int(found[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Its log."""
        return self.log.read_text()

    def census(self) -> dict[str, Any]:
        """The process in figures (app.py)."""
        found: dict[str, Any] = httpx.get(f"{self.url}/census/").json()
        return found

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(log: Path, **settings: Any) -> Iterator[Server]:
    """A server for the length of a `with`."""
    server = Server(log, **settings)
    try:
        yield server
    finally:
        server.end()
