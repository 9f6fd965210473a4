"""What a request sends is judged before it is kept: Django's ASGI handler stores all of it before it asks any view.

A declared length decides at once. What comes without one is counted, and cut at the limit.
"""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.core.handlers.asgi import get_script_prefix

from headway.conf import conf
from headway.live.hub.hub import Hub
from headway.problems import NO_LENGTH, TOO_LARGE

from .answers import Answer, refusal
from .protocol import Application, Event, Receive, Scope, Send, header
from .routes import Body, Kind, Target, body_of

SMALL = 1 << 16  # bytes; a server holds as much for any request, so the gate isn't asked beforehand
UPLOADS = (Body.UPLOAD, Body.PAGE_UPLOAD)
OF_A_BODY = (b"content-", b"transfer-encoding", b"expect")
SIGNED_OUT = 401
NOTHING: Event = {"type": "http.request", "body": b"", "more_body": False}
GONE: Event = {"type": "http.disconnect"}


def bounded(application: Application, others: int | None) -> Application:
    """The application, which gets no body that is too long for its address, and no upload without a sign-in.

    `others` bounds the bodies for the project's own addresses, in bytes.
    """

    async def with_bounds(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await application(scope, receive, send)
        return await Arrival(application, scope, receive, send, others).pass_on()

    return with_bounds


@dataclass(frozen=True)
class Arrival:
    """A request whose body is still to come."""

    application: Application
    scope: Scope
    receive: Receive
    send: Send
    others: int | None

    async def pass_on(self) -> None:
        """Let the application have it, or refuse it."""
        most = self.most
        if most is None:
            return await self.application(self.scope, self.receive, self.send)
        if self.length is not None and self.length > most:
            return await self.refuse()
        is_long = self.length is None or self.length > SMALL
        if is_long and self.is_upload and isinstance(answer := await self.sender(), Answer):
            return await self.refuse_sender(answer)
        if self.length is None and self.body is not Body.OTHERS and header(self.scope, b"transfer-encoding"):
            return await refusal("malformed", NO_LENGTH).send(self.send)  # Django takes such a form for an empty one
        counted = Counted(self.receive, self.send, most)
        await self.application(self.scope, counted.receive, counted.send)
        if counted.is_cut and not counted.is_answered:
            await self.refuse()
        return None

    @cached_property
    def body(self) -> Body:
        return body_of(self.scope)

    @property
    def most(self) -> int | None:
        """How many bytes may come; None: any number."""
        small: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if self.body is Body.OTHERS:
            return self.others
        return conf().max_upload_bytes if small is None or self.is_upload else small

    @property
    def is_upload(self) -> bool:
        """Whether it may bring a file: all else Django takes into memory, and bounds."""
        kind = header(self.scope, b"content-type").lower()
        return self.body in UPLOADS and kind.startswith(b"multipart/form-data")

    @cached_property
    def length(self) -> int | None:
        said = header(self.scope, b"content-length")
        return int(said[:20]) if said.isdigit() else None

    async def sender(self) -> object:
        """The sender's admission, or the refusal."""
        hub = Hub.here(get_script_prefix(self.scope))
        return await hub.permits.admit({**self.scope, "query_string": b""}, Target(Kind.UPLOAD))

    async def refuse(self) -> None:
        """Answer that it is too much; a person is told on the page from which it came."""
        if self.body is Body.PAGE_UPLOAD:
            return await self.ask_for_page(b"refused=too-large")
        return await refusal("payload-too-large", TOO_LARGE).send(self.send)

    async def refuse_sender(self, answer: Answer) -> None:
        """Send the gate's answer; a person who isn't signed in is led to the sign-in."""
        if self.body is Body.PAGE_UPLOAD and answer.status == SIGNED_OUT:
            return await self.ask_for_page(self.scope["query_string"])
        return await answer.send(self.send)

    async def ask_for_page(self, query: bytes) -> None:
        """Let the application answer as if its page had been asked for; the body goes nowhere."""
        headers = [(name, value) for name, value in self.scope["headers"] if not name.startswith(OF_A_BODY)]
        asked = {**self.scope, "method": "GET", "query_string": query, "headers": headers}
        await self.application(asked, Dropped(self.receive).receive, self.send)


class Dropped:
    """A body that the application takes for empty."""

    def __init__(self, receive: Receive) -> None:
        self.rest, self.is_told = receive, False

    async def receive(self) -> Event:
        if not self.is_told:
            self.is_told = True
            return NOTHING
        while (event := await self.rest())["type"] != "http.disconnect":
            pass
        return event


class Counted:
    """A body that ends at the limit: to the application it looks as if its sender had gone."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self.rest, self.answer, self.left = receive, send, most
        self.is_cut = self.is_answered = False

    async def receive(self) -> Event:
        event = GONE if self.is_cut else await self.rest()
        self.left -= len(event.get("body", b""))
        self.is_cut = self.left < 0
        return GONE if self.is_cut else event

    async def send(self, event: Event) -> None:
        self.is_answered = True
        await self.answer(event)
