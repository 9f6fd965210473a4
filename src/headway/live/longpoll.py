"""Long polling: the run as soon as there is something to tell, or 204 when nothing comes in time."""

from collections.abc import Sequence

from .answers import Answer, refusal
from .etags import is_among
from .gate import Admission
from .messages import Update
from .openings import not_there
from .place import BadPlace, place_of
from .protocol import Event, Headers, Scope, header
from .watchers import PLANNED_MS, Watcher

__all__ = ["LongPoll"]


class LongPoll(Watcher):
    """A request that waits. `headers` are those that the project's middleware adds."""

    __slots__ = ("headers",)
    headers: Headers

    async def begin(self, admission: Admission, scope: Scope) -> Answer | None:
        self.headers = admission.headers
        assert self.run_id is not None
        try:
            place = place_of(scope["query_string"].decode("latin-1"))
        except BadPlace as error:
            return refusal("malformed", str(error))
        seen = await self.look()
        if not seen:
            return not_there(self.run_id)
        known = header(scope, b"if-none-match").decode("latin-1")
        if place.is_passed_by(seen[0].run["revision"]) or (known and not is_among(seen[0].etag, known)):
            return self.answer(seen[0])
        await self.open((), place.seconds)
        return None

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
        else:
            self.end(self.answer(update).events())

    def farewell(self, reason: str, longest_ms: int) -> Sequence[Event]:
        later = [(b"retry-after", b"1")] if longest_ms > PLANNED_MS else []
        return Answer(204, self.headers + later).events()
