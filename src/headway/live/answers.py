"""Whole answers: those of the gate's view, or refusals of this package's own, ready for ASGI."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from headway import problems

from .protocol import Event, Headers, Send


@dataclass(frozen=True)
class Answer:
    """A status, headers and a body."""

    status: int
    headers: Headers
    body: bytes = b""

    def events(self) -> tuple[Event, Event]:
        return (
            {"type": "http.response.start", "status": self.status, "headers": self.headers},
            {"type": "http.response.body", "body": self.body},
        )

    async def send(self, send: Send) -> None:
        for event in self.events():
            await send(event)


def headers_of(response: HttpResponseBase) -> Headers:
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = [(b"Set-Cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    return headers + cookies


def answer_of(response: HttpResponse) -> Answer:
    return Answer(response.status_code, headers_of(response), response.getvalue())


def refusal(slug: str, detail: str) -> Answer:
    return answer_of(problems.response(slug, detail))
