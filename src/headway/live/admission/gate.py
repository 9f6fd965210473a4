"""The gate: asks the project's own middleware and an ordinary view who may watch, on a few long-lived threads.

After that a watcher costs no thread and no connection.
"""

import asyncio
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.core import signals
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpResponse
from django.urls import reverse, set_script_prefix

from headway.live.answers import Answer, answer_of, headers_of, refusal
from headway.live.protocol import Headers, Scope, with_http_scheme
from headway.live.routes import Kind, Target

from .callers import Caller
from .tickets import Holder

THREADS = 4  # an opening takes a millisecond of CPU, and Python runs one at a time
PATIENCE = 5.0  # s that a watcher waits for the answer; the gate needs a few ms
LONGEST_QUEUE = 1_000  # a second's work; beyond it clients are told to poll
KEEP_SECONDS = 60.0  # for which a thread keeps its connections: a new one would cost more than all the rest
OF_THE_ANSWER = {"content-type", "content-length", "cache-control", "expires", "etag", "last-modified"}
NOT_KEPT = (b"access-control-", b"set-cookie", b"vary")


@dataclass(frozen=True)
class Admission:
    """The user who may watch, and what the project's middleware adds to an answer."""

    user_key: str
    headers: Headers
    holder: Holder | None = None
    """Their sign-in by a header, upon which they get tickets; None: a session's."""

    @cached_property
    def without_representation(self) -> Headers:
        """The headers that a 304 is to have: not those which the client has with what it keeps (RFC 9110, 15.4.5)."""
        return [(name, value) for name, value in self.headers if name.lower().startswith(NOT_KEPT)]


class GateRequest(ASGIRequest):
    """The gate's request; a view answers it with Admitted instead of a stream."""


class Admitted(HttpResponse):
    """A view's answer to a GateRequest: this caller may watch."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(headers={"Cache-Control": "private, no-store"})
        self.caller = caller


class Gate(BaseHandler):
    """Django's handler, called synchronously."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="headway-gate")
        self.queued = 0
        self.loading, self.loaded = threading.Lock(), False
        self.kept = threading.local()

    async def ask(self, scope: Scope, target: Target) -> Admission | Answer:
        """Who may watch, or the refusal."""
        if self.queued >= LONGEST_QUEUE:
            return refusal("overloaded", "Too many are opening a stream just now.")
        self.queued += 1
        asking = asyncio.get_running_loop().run_in_executor(self.threads, self.ask_here, scope, target)
        asking.add_done_callback(self.leave_queue)
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(asking)  # after the timeout the question stays where it is: in the queue
        except TimeoutError:
            return refusal("overloaded", "Who may watch could not be found out in time.")

    def leave_queue(self, asking: asyncio.Future[Any]) -> None:
        """A thread is done with it, though the client may have gone."""
        self.queued -= 1

    def ask_here(self, scope: Scope, target: Target) -> Admission | Answer:
        """The same, on one of the gate's threads."""
        with self.loading:
            if not self.loaded:
                self.load_middleware()
                self.loaded = True
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        response: Any = self.get_response(GateRequest(as_http(scope, target), io.BytesIO()))
        self.keep_connections()
        with closing(response):  # which sends request_finished, upon which Django looks after its connections
            return judged(response)

    def keep_connections(self) -> None:
        """Let this thread's connections live for a minute, also where CONN_MAX_AGE says less; tried before each use."""
        now = time.monotonic()
        if now >= self.kept.__dict__.setdefault("until", now + KEEP_SECONDS):
            self.kept.until = now + KEEP_SECONDS  # this time they close
            return
        for connection in connections.all(initialized_only=True):
            if connection.close_at is not None:
                connection.close_at = self.kept.until
                connection.health_check_enabled = True  # type: ignore[attr-defined]


def as_http(scope: Scope, target: Target) -> Scope:
    """The request to the view that knows who may watch, with the caller's own headers."""
    if target.kind in (Kind.EVENTS, Kind.LONG_POLL):
        return scope
    path = reverse("headway:run-events", args=[target.run_id]) if target.run_id else reverse("headway:events")
    return {**with_http_scheme(scope), "type": "http", "method": "GET", "path": path, "raw_path": path.encode()}


def judged(response: Any) -> Admission | Answer:
    """What the view's answer means."""
    if not isinstance(response, Admitted):
        return answer_of(response)
    headers = [(name, value) for name, value in headers_of(response) if name.decode().lower() not in OF_THE_ANSWER]
    return Admission(str(response.caller.user.pk), shared(tuple(headers)), response.caller.holder)


@lru_cache(maxsize=64)
def shared(headers: tuple[tuple[bytes, bytes], ...]) -> Headers:
    """One list for all watchers with the same headers: an own one would be an eighth of a watcher's memory."""
    return list(headers)
