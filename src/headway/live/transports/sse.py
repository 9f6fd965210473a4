"""Server-Sent Events: a run's stream, and the stream of all of a user's runs."""

import random
from collections.abc import Sequence

from headway.live.admission.gate import Admission
from headway.live.answers import Answer
from headway.live.hub.messages import SSE_HEADERS, Message, Update, encoded, first_frames, rotation
from headway.live.hub.watchers import Watcher, lifetime
from headway.live.known import last_event_id
from headway.live.protocol import Event, Scope, header

HEADERS = [(name.lower().encode(), value.encode()) for name, value in SSE_HEADERS.items()]
BROKEN_MS = (1_000, 2_000)  # after which a client comes back whose connection broke
COMMENT: Event = {"type": "http.response.body", "body": b":\n", "more_body": True}
LAST: Event = {"type": "http.response.body", "body": b"", "more_body": False}


class Stream(Watcher):
    """An open response of Server-Sent Events."""

    __slots__ = ()
    keep_alive_seconds = 15.0

    async def begin(self, seen: Sequence[Update], admission: Admission, scope: Scope) -> Answer | None:
        if self.run_id is not None and seen[0].run["done"]:
            if last_event_id(header(scope, b"last-event-id").decode("latin-1")) == seen[0].run["revision"]:
                return Answer(204, admission.headers)  # upon which an EventSource doesn't come back
            self.end((LAST,))
        frames = [self.form(update.opening(admission.holder))["body"] for update in seen]
        body = first_frames(random.randint(*BROKEN_MS), frames)
        start = {"type": "http.response.start", "status": 200, "headers": admission.headers + HEADERS}
        await self.open((start, {"type": "http.response.body", "body": body, "more_body": True}), lifetime())
        return None

    def frames(self, update: Update, *, whole: bool) -> Sequence[Event]:
        return (self.form(update.whole if whole else update.push),)

    def form(self, message: Message) -> Event:
        return message.sse if self.run_id else message.sse_of_many

    def last_frames(self, update: Update) -> Sequence[Event]:
        return update.whole.sse, LAST

    def farewell(self, reason: str, longest_ms: int) -> Sequence[Event]:
        said = rotation(reason, longest_ms)
        frame = f"retry: {said['retry_ms']}\ndata: {encoded(said)}\n\n".encode()
        return ({"type": "http.response.body", "body": frame, "more_body": False},)

    def keep_alive(self) -> None:
        if not self.busy:
            self.send_events((COMMENT,))
