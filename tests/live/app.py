"""What the tests' server serves: the example's application, and what the tests must know of the process.

TEST_HEADWAY (JSON) sets HEADWAY's keys. TEST_BEAT_SECONDS shortens the time between two comments, TEST_BLIND_SECONDS
that for which watchers are kept without a database, TEST_GRACE_SECONDS that for which a farewell may take. Pages from
TEST_TRUSTED_ORIGINS may open sockets. With TEST_SENDS_NEED_TASK the server's `send()` only works inside a task, as
some servers' does.
"""

import asyncio
import gc
import json
import logging.config
import os
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.signals import connection_created
from uvicorn.config import LOGGING_CONFIG

from example.asgi import django
from headway.live import asgi
from headway.live.hub import hub, watchers
from headway.live.hub.hub import Hub
from headway.live.transports.sse import Stream

__all__ = ["application"]

logging.config.dictConfig(LOGGING_CONFIG)  # uvicorn's own: the tests read its port, and look for tickets
settings.HEADWAY |= json.loads(os.environ.get("TEST_HEADWAY", "{}"))
settings.CSRF_TRUSTED_ORIGINS = os.environ.get("TEST_TRUSTED_ORIGINS", "").split()
Stream.keep_alive_seconds = float(os.environ.get("TEST_BEAT_SECONDS", "15"))
hub.BLIND = float(os.environ.get("TEST_BLIND_SECONDS", hub.BLIND))
watchers.GRACE = float(os.environ.get("TEST_GRACE_SECONDS", watchers.GRACE))
live = asgi(django, max_body_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
queries = 0


def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    global queries
    queries += 1
    return execute(sql, params, many, context)


connection_created.connect(lambda connection, **_: connection.execute_wrappers.append(count), weak=False)


def census() -> dict[str, Any]:
    """The process in figures."""
    hubs = Hub.made.values()
    gc.collect()
    return {
        "pid": os.getpid(),
        "queries": queries,
        "threads": len(os.listdir("/proc/self/task")),
        "python_threads": sorted(thread.name for thread in threading.enumerate()),
        "files": sorted(os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()),
        "tasks": len(asyncio.all_tasks()),
        "watchers": sum(len(hub.watchers) for hub in hubs),
        "topics": sum(len(hub.topics) for hub in hubs),
        "rosters": sum(len(hub.rosters) for hub in hubs),
        "kept": sum(issubclass(type(each), watchers.Watcher) for each in gc.get_objects()),
    }


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == "/census/":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        return await send({"type": "http.response.body", "body": json.dumps(census()).encode()})
    if "TEST_SENDS_NEED_TASK" in os.environ:
        return await live(scope, receive, in_task_only(send))
    return await live(scope, receive, send)


def in_task_only(send: Any) -> Any:
    async def checked(event: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        await send(event)

    return checked
