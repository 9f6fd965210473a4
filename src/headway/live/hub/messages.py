"""The messages that watchers get, in each transport's form: made once, sent to all."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from headway.live.admission.tickets import Holder, with_tickets
from headway.live.known import etag
from headway.live.protocol import Event

from .questions import Version

SSE_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",  # nor gzipped: that would hold messages back
    "X-Accel-Buffering": "no",  # nginx's word for the same
}

Kind = Literal["snapshot", "progress", "end"]
SHORT = ("id", "revision", "state", "stalled", "progress", "message", "updated_at")  # what a progress message says
TELLING = ("state", "reason", "resumes", "hooks_failed", "waiting_until")  # a change of these goes out as a snapshot


def encoded(message: dict[str, Any]) -> str:
    """JSON on one line, as every transport sends it."""
    return json.dumps(message, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))


def sse_frame(text: str, *, revision: int | None = None) -> bytes:
    """One Server-Sent Event; the revision is the client's place."""
    place = "" if revision is None else f"id: {revision}\n"
    return f"{place}data: {text}\n\n".encode()


class Message:
    """One message about one run, in each transport's form, made when it is first needed."""

    def __init__(self, kind: Kind, run: dict[str, Any]) -> None:
        self.kind, self.run = kind, run

    @cached_property
    def text(self) -> str:
        if self.kind == "progress":
            return encoded({"type": "progress"} | {name: self.run[name] for name in SHORT})
        return encoded({"type": self.kind, "run": self.run})

    @cached_property
    def body(self) -> bytes:
        return self.text.encode()

    @cached_property
    def sse(self) -> Event:
        """For a stream of one run: the revision is the client's place."""
        frame = sse_frame(self.text, revision=self.run["revision"])
        return {"type": "http.response.body", "body": frame, "more_body": True}

    @cached_property
    def sse_of_many(self) -> Event:
        """For a stream of many runs, in which one revision would be no place."""
        return {"type": "http.response.body", "body": sse_frame(self.text), "more_body": True}

    @cached_property
    def socket(self) -> Event:
        return {"type": "websocket.send", "text": self.text}


def whole(run: dict[str, Any], holder: Holder | None = None) -> Message:
    """The message that says everything; with fresh tickets for a caller that signs in by a header."""
    return Message("end" if run["done"] else "snapshot", with_tickets(run, holder) if holder else run)


@dataclass(frozen=True, eq=False)
class Update:
    """A run as it was seen, and what is new of it to a watcher that saw the one before."""

    run: dict[str, Any]
    made_at: float  # time.monotonic()
    before: dict[str, Any] | None = None

    @cached_property
    def run_id(self) -> UUID:
        return UUID(self.run["id"])

    @cached_property
    def etag(self) -> str:
        return etag(self.run)

    @cached_property
    def version(self) -> Version:
        return Version(self.run["revision"], self.run["stalled"], self.run["done"])

    @cached_property
    def whole(self) -> Message:
        """For a watcher that opens, or has missed something."""
        return whole(self.run)

    def opening(self, holder: Holder | None) -> Message:
        """The first message of a stream: a caller that signs in by a header gets one of its own."""
        return whole(self.run, holder) if holder else self.whole

    @cached_property
    def push(self) -> Message:
        """For a watcher that has had every message so far."""
        before = self.before
        if self.run["done"] or before is None or any(self.run[name] != before[name] for name in TELLING):
            return self.whole
        return Message("progress", self.run)

    def differs_from(self, other: Update | None) -> bool:
        """Whether it says anything else."""
        return other is None or (other.etag, other.version) != (self.etag, self.version)


def first_frames(retry_ms: int, frames: Sequence[bytes]) -> bytes:
    """What a stream opens with: when to come back, and how things are.

    No blank line between the two: clients that are no browsers take it for the end of an event without data.
    """
    return b"retry: %d\n%b" % (retry_ms, b"".join(frames))


def rotation(reason: str, longest_ms: int) -> dict[str, Any]:
    """Tells a watcher to come back within this time: at random, so that not all come at once."""
    return {"type": "rotate", "reason": reason, "retry_ms": random.randint(0, longest_ms)}
