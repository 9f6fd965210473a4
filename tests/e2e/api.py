"""A client of the HTTP API, as a program has one: a token and no more."""

from typing import Any

import httpx

__all__ = ["api", "start"]

TIMEOUT = 60  # s


def api(url: str, name: str = "demo") -> httpx.Client:
    """For the person of this name."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Token {name}"}, timeout=TIMEOUT)


def start(client: httpx.Client, operation: str, **given: Any) -> dict[str, Any]:
    """The run that is started, or joined."""
    answer = client.post(f"/api/operations/{operation}/runs/", json=given)
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()
    return run
