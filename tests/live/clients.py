"""Clients of each transport, signed in as a browser is. Each gives the messages as they come."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from httpx_sse import connect_sse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .server import Server

__all__ = ["Socket", "Stream", "cookie", "http", "socket", "stream"]

PATIENCE = 30  # s; a test that needs it has failed
Message = dict[str, Any]


def cookie(user: Any) -> dict[str, str]:
    """The header of a browser in which the user is signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}


def http(server: Server, user: Any = None) -> httpx.Client:
    """A client that is signed in, if `user` is given."""
    headers = cookie(user) if user else {}
    return httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE, verify=False)  # no certificates to load


class Stream:
    """An open stream of Server-Sent Events."""

    def __init__(self, response: httpx.Response, events: Iterator[Any]) -> None:
        self.response, self.events = response, events
        self.retry: int | None = None
        self.place = ""

    def __iter__(self) -> Iterator[Message]:
        for event in self.events:
            self.retry = event.retry if event.retry is not None else self.retry
            self.place = event.id or self.place
            yield json.loads(event.data)

    def take(self) -> Message:
        """The next message."""
        return next(iter(self))


@contextmanager
def stream(server: Server, user: Any, run: Any = None, *, after: str = "") -> Iterator[Stream]:
    """The stream of a run, or of all of the user's."""
    path = f"/api/runs/{run.pk}/events/" if run else "/api/events/"
    headers = {"Last-Event-ID": after} if after else {}
    with http(server, user) as client, connect_sse(client, "GET", path, headers=headers) as source:
        assert source.response.status_code == 200, source.response.read()
        yield Stream(source.response, source.iter_sse())


class Socket:
    """An open WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def __iter__(self) -> Iterator[Message]:
        try:
            while True:
                yield self.take()
        except ConnectionClosed:
            return

    def take(self) -> Message:
        """The next message."""
        message: Message = json.loads(self.connection.recv(PATIENCE))
        return message

    def code(self) -> int | None:
        """Why the server closed it; messages that come before are dropped."""
        try:
            while True:
                self.connection.recv(PATIENCE)
        except ConnectionClosed:
            return self.connection.close_code


@contextmanager
def socket(
    server: Server, user: Any, run: Any = None, *, query: str = "", origin: str | None = None, **headers: str
) -> Iterator[Socket]:
    """The socket of a run (or of a run's id), or of all of the user's."""
    path = f"/ws/runs/{getattr(run, 'pk', run)}/{query}" if run else "/ws/runs/"
    sent = (cookie(user) if user else {}) | headers
    with connect(f"{server.socket_url}{path}", additional_headers=sent, origin=origin) as connection:  # type: ignore[arg-type]
        yield Socket(connection)
