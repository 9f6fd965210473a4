"""WebSocket: the same messages; the close code says why it ended, and only 4401 and 4403 are final."""

from collections.abc import Sequence

from headway.live.admission.gate import Admission
from headway.live.answers import Answer
from headway.live.hub.messages import Update, encoded, rotation
from headway.live.hub.watchers import Watcher, lifetime
from headway.live.protocol import Event, Scope, Send

ENDED, ROTATE, OVERLOADED = 1000, 1012, 1013
SIGNED_OUT, NOT_ALLOWED, TOO_MANY, FAILED = 4401, 4403, 4429, 1011
CODES = {401: SIGNED_OUT, 403: NOT_ALLOWED, 404: NOT_ALLOWED, 429: TOO_MANY, 503: OVERLOADED}
ACCEPT: Event = {"type": "websocket.accept"}


def close(code: int) -> Event:
    return {"type": "websocket.close", "code": code}


class Socket(Watcher):
    """An open socket."""

    __slots__ = ()

    async def begin(self, seen: Sequence[Update], admission: Admission, scope: Scope) -> Answer | None:
        if self.run_id is not None and seen[0].run["done"]:
            self.end((close(ENDED),))
        await self.open((ACCEPT, *(update.opening(admission.holder).socket for update in seen)), lifetime())
        return None

    @staticmethod
    async def refuse(send: Send, answer: Answer) -> None:
        await send(ACCEPT)  # a browser hears of no reason that comes before
        await send(close(CODES.get(answer.status, FAILED)))

    def frames(self, update: Update, *, whole: bool) -> Sequence[Event]:
        return ((update.whole if whole else update.push).socket,)

    def last_frames(self, update: Update) -> Sequence[Event]:
        return update.whole.socket, close(ENDED)

    def farewell(self, reason: str, longest_ms: int) -> Sequence[Event]:
        return {"type": "websocket.send", "text": encoded(rotation(reason, longest_ms))}, close(ROTATE)
