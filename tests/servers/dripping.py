"""An ASGI application that answers slowly, for as long as the request says."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

__all__ = ["application"]

RHYTHM = 0.1  # s
told_to_go_on = asyncio.Event()


async def application(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """`/drip?seconds=N` sends a line every tenth of a second; `/hold` one at once, the next after a `/go`.

    `/take` reads all that it is sent first.
    """
    if scope["type"] != "http":
        return
    if scope["path"] == "/take":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if scope["path"] == "/drip":
        for _ in range(round(float(parse_qs(scope["query_string"])[b"seconds"][0]) / RHYTHM)):
            await send({"type": "http.response.body", "body": b"drip\n", "more_body": True})
            await asyncio.sleep(RHYTHM)
    elif scope["path"] == "/hold":
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        await told_to_go_on.wait()
        await send({"type": "http.response.body", "body": b"second\n", "more_body": True})
    elif scope["path"] == "/go":
        told_to_go_on.set()
    await send({"type": "http.response.body", "body": b""})
