"""Followers that stay connected: httpx-sse, curl, a WebSocket."""

import asyncio
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace

from httpx_sse import ServerSentEvent, connect_sse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.follower import TIMEOUT, Follower, Target, client

__all__ = ["Curl", "Socket", "Sse"]

EXPECTED = {1000, 1001, 1012}  # close codes: the run has ended, or come back


class EventFollower(Follower):
    """One that reads Server-Sent Events, and remembers its place among them."""

    last = ""

    def place(self) -> dict[str, str]:
        return {"Last-Event-ID": self.last} if self.last else {}

    def hear_all(self, events: Iterable[ServerSentEvent]) -> None:
        """A stream that ends without a word was cut off by somebody between."""
        goodbye = False
        for event in events:
            self.last = event.id or self.last
            if event.data:
                message = json.loads(event.data)
                self.hear(message)
                goodbye = message["type"] in {"rotate", "end"}
        if not goodbye:
            self.note("a stream ended without a word")


class Sse(EventFollower):
    """httpx-sse, over HTTP/1.1 or HTTP/2."""

    def __init__(self, target: Target, *, http2: bool = False, patient: bool = False) -> None:
        super().__init__(target, patient=patient)
        self.client = self.open.enter_context(client(target, http2=http2))

    def follow(self) -> None:
        with connect_sse(self.client, "GET", self.target.at("events"), headers=self.place()) as source:
            source.response.raise_for_status()
            if source.response.status_code == 204:
                self.over.set()
            else:
                self.hear_all(source.iter_sse())


class Curl(EventFollower):
    """curl alone, in a loop as a shell would have it."""

    def __init__(self, target: Target, *, http2: bool = False) -> None:
        super().__init__(target)
        trust = ["--cacert", str(target.authority)] if target.authority else []
        self.command = ["curl", "--silent", "--show-error", "--no-buffer", "--fail", *trust]
        self.command += ["--http2" if http2 else "--http1.1"]

    def follow(self) -> None:
        headers = [f"{name}: {value}" for name, value in (self.target.headers | self.place()).items()]
        command = [*self.command, *(word for header in headers for word in ("--header", header))]
        command.append(self.target.at("events"))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as curl:
            assert curl.stdout is not None
            assert curl.stderr is not None
            self.hear_all(events(curl.stdout))
            errors = curl.stderr.read()
        if curl.returncode:
            self.note(f"curl ended with {curl.returncode}: {errors}")


class Socket(Follower):
    """A WebSocket, opened with the ticket of the newest snapshot and nothing else.

    By the asyncio client: the one with threads reads and writes one TLS connection at once, which hangs now and then.
    """

    def follow(self) -> None:
        try:
            asyncio.run(self.listen())
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code not in EXPECTED:
                raise

    async def listen(self) -> None:
        address = self.target.at("socket").replace("http", "ws", 1)
        async with connect(address, open_timeout=TIMEOUT, ssl=self.target.trust) as socket:
            while True:
                async with asyncio.timeout(TIMEOUT):
                    message = json.loads(await socket.recv())
                if message["type"] == "snapshot" and "ticket" in message["run"]["links"]["socket"]:
                    self.target = replace(self.target, links=message["run"]["links"])
                self.hear(message)


def events(lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """The events in what curl prints."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        else:
            yield ServerSentEvent(data=fields.get("data"), id=fields.get("id"))
            fields = {}
