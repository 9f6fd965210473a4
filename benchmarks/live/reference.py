"""What one would write without Headway's live delivery: Django's async views with StreamingHttpResponse.

They send the same messages as Headway, for the same people, and do nothing else that it does.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from headway.live.hub.messages import Message
from headway.runs import visible_to
from headway.snapshots import snapshot

__all__ = ["asking", "told"]

ASK_EVERY = 0.5  # s
LOOK_EVERY = 0.1  # s; as Headway's own thread does


async def asking(request: HttpRequest, id: UUID) -> HttpResponseBase:  # noqa: A002
    """Each watcher reads the run twice a second."""
    return await watched(request, id, ask(id))


async def told(request: HttpRequest, id: UUID) -> HttpResponseBase:  # noqa: A002
    """One task reads the run, and an Event wakes all watchers."""
    return await watched(request, id, Bell.of(id).rings())


async def watched(request: HttpRequest, run_id: UUID, messages: AsyncIterator[Message]) -> HttpResponseBase:
    """The stream, for whoever may see the run."""
    user = await request.auser()
    if not await sync_to_async(lambda: visible_to(user).filter(pk=run_id).exists())():
        return HttpResponse(status=404)
    frames = (message.sse["body"] async for message in messages)
    return StreamingHttpResponse(frames, content_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def ask(run_id: UUID) -> AsyncIterator[Message]:
    seen = None
    while True:
        run: dict[str, Any] = await sync_to_async(snapshot)(run_id)
        if run["revision"] != seen:
            yield Message("progress", run)
            seen = run["revision"]
        await asyncio.sleep(ASK_EVERY)


class Bell:
    """Reads one run again and again, and rings when it has changed."""

    made: dict[UUID, "Bell"] = {}

    def __init__(self, run_id: UUID) -> None:
        self.newest: Message | None = None
        self.rung = asyncio.Event()
        # Its own context and threads, since those of the request that made it end with that request.
        self.task = asyncio.get_running_loop().create_task(self.look(run_id))

    @classmethod
    def of(cls, run_id: UUID) -> "Bell":
        if run_id not in cls.made:
            cls.made[run_id] = cls(run_id)
        return cls.made[run_id]

    async def look(self, run_id: UUID) -> None:
        while True:
            run: dict[str, Any] = await sync_to_async(snapshot, thread_sensitive=False)(run_id)
            if self.newest is None or run["revision"] != self.newest.run["revision"]:
                self.newest, before, self.rung = Message("progress", run), self.rung, asyncio.Event()
                before.set()
            await asyncio.sleep(LOOK_EVERY)

    async def rings(self) -> AsyncIterator[Message]:
        while True:
            rung = self.rung
            if self.newest is not None:
                yield self.newest
            await rung.wait()
