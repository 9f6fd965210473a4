"""What the measured web process serves: the example's application with live delivery, and the process in figures.

Counts statements, and notes when the hub begins to tell of each change; both cost microseconds.
"""

import asyncio
import json
import os
import time
import weakref
from collections import deque
from typing import Any

from django.db.backends.signals import connection_created

from example.asgi import django
from headway.live import asgi
from headway.live.hub.hub import Hub
from headway.live.hub.messages import Update

__all__ = ["application"]

live = asgi(django)
statements = 0
opened: "weakref.WeakSet[Any]" = weakref.WeakSet()
published: "deque[tuple[str, int, float]]" = deque(maxlen=100_000)
publish = Hub.publish


def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    global statements
    statements += 1
    return execute(sql, params, many, context)


def note_connection(connection: Any, **_: Any) -> None:
    opened.add(connection)
    connection.execute_wrappers.append(count)


def noted_publish(hub: Hub, update: Update) -> None:
    published.append((update.run["id"], update.run["revision"], time.monotonic()))
    publish(hub, update)


connection_created.connect(note_connection)
Hub.publish = noted_publish  # type: ignore[method-assign, assignment]


def census() -> dict[str, Any]:
    """The process in figures."""
    return {
        "pid": os.getpid(),
        "statements": statements,
        "threads": len(os.listdir("/proc/self/task")),
        "connections": sum(each.connection is not None for each in list(opened)),
        "tasks": len(asyncio.all_tasks()),
        "watchers": sum(len(hub.watchers) for hub in Hub.made.values()),
    }


async def application(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"] if scope["type"] == "http" else ""
    if path == "/census/":
        await answer(send, census())
    elif path == "/published/":
        await answer(send, list(published))
    elif path == "/nothing/":
        await send({"type": "http.response.start", "status": 304, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        await live(scope, receive, send)


async def answer(send: Any, told: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})
