"""The HTTP API, read by somebody who sees all runs; asked again while a web process is down."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import httpx

__all__ = ["Reader", "Unreadable"]

PATIENCE = 90.0  # s: for an answer, whoever gives it
TIMEOUT = 30.0  # s: for one that a process owes us


class Unreadable(Exception):
    """No web process gave an answer in time."""


class Reader:
    """GETs at whichever of the web processes answers."""

    def __init__(self, urls: Sequence[str], token: str = "admin") -> None:
        headers = {"Authorization": f"Token {token}"}
        self.clients = [httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) for url in urls]
        self.turns = cycle(self.clients)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.close()

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON. Raises Unreadable."""
        give_up = time.monotonic() + PATIENCE
        told = ""
        while time.monotonic() < give_up:
            try:
                answer = next(self.turns).get(path, params=query or None)
                if answer.status_code == 200:
                    return answer.json()
                told = f"{answer.status_code} {answer.text[:300]}"
            except httpx.HTTPError as error:
                told = repr(error)
            time.sleep(0.2)
        raise Unreadable(f"GET {path}: {told}")

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Everything on all pages."""
        page = self.get(path, limit=200, **query)
        yield from page["results"]
        while page["next"]:
            page = self.get(page["next"])
            yield from page["results"]
