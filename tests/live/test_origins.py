"""Whose pages may open a socket, seen from servers that encrypt, from behind proxies that do, and without a scheme."""

import asyncio
from typing import Any

import pytest

from headway.live import asgi
from headway.live.admission.gate import as_http
from headway.live.routes import Kind, Target
from headway.live.wrapper import is_foreign


def asked_by(origin: str, **said: Any) -> dict[str, Any]:
    """A socket's request to testserver, from a page of this origin."""
    headers = [(b"host", b"testserver"), (b"origin", origin.encode("latin-1")), *said.pop("headers", [])]
    return {"type": "websocket", "path": "/ws/runs/", "query_string": b"", "headers": headers} | said


@pytest.mark.parametrize(
    ("scheme", "origin", "foreign"),
    [
        ("wss", "https://testserver", False),
        ("wss", "http://testserver", True),
        ("ws", "http://testserver", False),
        ("ws", "https://testserver", False),
        ("ws", "ftp://testserver", True),
    ],
)
def test_an_insecure_page_is_foreign_to_a_secure_host(scheme: str, origin: str, foreign: bool) -> None:
    assert is_foreign(asked_by(origin, scheme=scheme)) is foreign


def test_a_proxy_may_say_that_the_host_is_secure(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    proxied = {"scheme": "ws", "headers": [(b"x-forwarded-proto", b"https")]}
    assert is_foreign(asked_by("http://testserver", **proxied))
    assert not is_foreign(asked_by("https://testserver", **proxied))


def test_a_server_may_leave_a_sockets_scheme_out() -> None:
    request = asked_by("http://testserver")
    assert not is_foreign(request)
    assert as_http(request, Target(Kind.SOCKET))["scheme"] == "http"


def test_a_refused_socket_says_why_once_for_each_origin_however_often_the_page_tries_again(caplog: Any) -> None:
    def refused(origin: str) -> Any:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(event: Any) -> None:
            sent.append(event)

        asyncio.run(asgi(receive)(asked_by(origin), receive, send))
        return sent

    answers = [refused(origin) for origin in ("http://testserver:21090", "http://testserver:21090", "x\x85 y=1")]

    assert answers == [[{"type": "websocket.close"}]] * 3
    assert [record.getMessage() for record in caplog.records if record.name == "headway.live"] == [
        "event=socket-refused origin='http://testserver:21090' host='testserver' reason=neither-same-nor-trusted",
        r"event=socket-refused origin='x\x85 y=1' host='testserver' reason=neither-same-nor-trusted",
    ]
