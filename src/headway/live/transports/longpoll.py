"""Long polling: the run as soon as there is something to tell, or 204 when nothing comes in time."""

from collections.abc import Sequence

from headway.live.admission.gate import Admission
from headway.live.answers import Answer, refusal
from headway.live.hub.messages import Update
from headway.live.hub.watchers import PLANNED_MS, Watcher
from headway.live.known import BadWait, Wait, is_among, wait_of
from headway.live.protocol import Event, Headers, Scope, header


class LongPoll(Watcher):
    """A request that waits. `headers` are those that the project's middleware adds."""

    __slots__ = ("headers", "known", "wait")
    headers: Headers
    wait: Wait
    known: str  # the ETag of what the client has, or has been found to have

    async def begin(self, seen: Sequence[Update], admission: Admission, scope: Scope) -> Answer | None:
        self.headers = admission.headers
        try:
            self.wait = wait_of(scope["query_string"].decode("latin-1"))
        except BadWait as error:
            return refusal("malformed", str(error))
        self.known = header(scope, b"if-none-match").decode("latin-1")
        (update,) = seen
        if self.is_news(update):
            return self.answer(update)
        self.known = update.etag
        await self.open((), self.wait.seconds)
        return None

    def is_news(self, update: Update) -> bool:
        """Whether the client has something else, as far as it says what it has."""
        differs = bool(self.known) and not is_among(update.etag, self.known)
        return differs or self.wait.is_passed_by(update.run["revision"])

    def answer(self, update: Update) -> Answer:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(update.whole.body)),
            (b"etag", update.etag.encode()),
            (b"cache-control", b"private, no-cache"),
        ]
        return Answer(200, self.headers + headers, update.whole.body)

    def push(self, update: Update, *, whole: bool = False) -> None:
        if self.busy:
            super().push(update, whole=whole)
        elif self.is_news(update) or not self.known:
            self.end(self.answer(update).events())

    def farewell(self, reason: str, longest_ms: int) -> Sequence[Event]:
        later = [(b"retry-after", b"1")] if longest_ms > PLANNED_MS else []
        return Answer(204, self.headers + later).events()
