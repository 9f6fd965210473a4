"""One who watches, over each transport: opens, notes each message's revision, and comes back when told to."""

import asyncio
import re
import struct
import zlib
from time import monotonic
from typing import Any

from .answers import whole
from .crowd import Crowd, Request

__all__ = ["CompressedSocket", "LongPoll", "Socket", "Stream"]

BROKEN = 1.0  # s after which a client comes back that was told nothing
REFUSED = 5.0  # s after which one comes back that was refused; a browser wouldn't, it would poll
SHORTEST = 0.1  # s; so long at least after a shutdown, as nobody is there yet
REASON = re.compile(rb'"reason":"([a-z]+)"')
REVISION = re.compile(rb'"revision":(\d+)')


class Refused(OSError):
    """The server said no."""


class Client(asyncio.Protocol):
    """What the transports have in common: its life between two connections."""

    def __init__(self, crowd: Crowd, number: int, request: Request) -> None:
        self.crowd, self.number, self.request = crowd, number, request
        self.transport: asyncio.Transport | None = None
        self.opening: asyncio.Future[None] | None = None
        self.rest = b""
        self.place = 0
        self.is_open = self.ended = self.left = False
        self.retry = BROKEN

    def question(self) -> bytes:
        """What is sent first."""
        raise NotImplementedError

    def heard(self, data: bytes, now: float) -> bytes:
        """Read what has arrived; gives what of it isn't complete yet."""
        raise NotImplementedError

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def leave(self) -> None:
        """Close, and not come back."""
        self.left = True
        self.close()

    async def open(self) -> None:
        """Connect, ask, and wait for the first message. Raises OSError."""
        self.rest, self.is_open, self.ended = b"", False, False
        self.opening = self.crowd.loop.create_future()
        await self.crowd.connect(self)
        await self.opening

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.question())

    def data_received(self, data: bytes) -> None:
        now = monotonic()
        self.rest = self.heard(self.rest + data if self.rest else data, now)

    def got(self, now: float, revision: int) -> None:
        """A message."""
        self.place = revision
        self.crowd.note(self.number, now, revision)
        if not self.is_open:
            self.is_open = True
            self.crowd.watching += 1
            self.crowd.last_back = now
            if self.opening is not None and not self.opening.done():
                self.opening.set_result(None)

    def refused(self, data: bytes) -> None:
        self.ended = True
        self.retry = REFUSED
        self.crowd.refusals[data[9:12].decode()] += 1
        if self.opening is not None and not self.opening.done():
            self.opening.set_exception(Refused(data[:40].decode("latin-1")))
        self.close()

    def told_to_come_back(self, seconds: float, reason: bytes) -> None:
        self.ended = True
        self.crowd.rotations[reason.decode()] += 1
        self.crowd.told.add(self.number)
        self.retry = seconds

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.opening is not None and not self.opening.done():
            self.opening.set_exception(Refused("cut off while opening"))
        if not self.is_open or self.left:
            return
        self.is_open = False
        self.crowd.watching -= 1
        if not self.ended:
            self.crowd.cut += 1
            self.retry = BROKEN
        self.crowd.loop.call_later(self.retry, self.come_back)

    def come_back(self) -> None:
        if not self.left:
            self.task = self.crowd.loop.create_task(self.try_again())

    async def try_again(self) -> None:
        """Until it is open again; where nobody listens, the next try comes after the same time."""
        while not (self.left or self.is_open):
            try:
                await self.open()
            except OSError:
                await asyncio.sleep(max(SHORTEST, self.retry))


class Stream(Client):
    """Server-Sent Events, as a browser's EventSource reads them."""

    frame = re.compile(rb"\nid: (\d+)\n")
    delay = re.compile(rb"retry: (\d+)\n")
    last = b"\r\n0\r\n\r\n"  # of a chunked body

    def question(self) -> bytes:
        place = f"Last-Event-ID: {self.place}\r\n" if self.place else ""
        return get(self.request, f"Accept: text/event-stream\r\n{place}")

    def heard(self, data: bytes, now: float) -> bytes:
        if not self.is_open and data.startswith(b"HTTP/") and not data.startswith(b"HTTP/1.1 200"):
            self.refused(data)
            return b""
        if not data.endswith(b"\r\n"):
            return data  # the rest of the chunk is on its way
        for found in self.frame.finditer(data):
            self.got(now, int(found[1]))
        if data.endswith(self.last):
            if why := REASON.search(data):
                self.told_to_come_back(int(self.delay.findall(data)[-1]) / 1000, why[1])
            self.close()
        return b""


class LongPoll(Client):
    """Asks for what comes after the last answer, again and again."""

    def question(self) -> bytes:
        query = f"?after={self.place}" if self.place else ""
        return get(Request(self.request.path + query, self.request.cookie), "Accept: application/json\r\n")

    def heard(self, data: bytes, now: float) -> bytes:
        while answer := whole(data):
            if answer.status not in (200, 204):
                self.refused(data)
                return b""
            if found := REVISION.search(answer.body):
                self.got(now, int(found[1]))
            if self.transport is not None:
                self.transport.write(self.question())
            data = answer.rest
        return data


class Socket(Client):
    """A WebSocket without compression."""

    extensions = ""

    def question(self) -> bytes:
        return get(
            self.request,
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{self.extensions}",
        )

    def heard(self, data: bytes, now: float) -> bytes:
        if data.startswith(b"HTTP/"):
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                return head
            if not head.startswith(b"HTTP/1.1 101"):
                self.refused(head)
                return b""
        while frame := socket_frame(data):
            first, payload, data = frame
            self.frame(first, payload, now)
        return data

    def frame(self, first: int, payload: bytes, now: float) -> None:
        kind = first & 0x0F
        if kind == 0x9:
            self.say(0x8A, payload)
        elif kind == 0x8:
            self.ended = True
            self.say(0x88, payload[:2])
        elif found := REVISION.search(text := self.text(first, payload)):
            self.got(now, int(found[1]))
        elif found := REASON.search(text):
            self.told_to_come_back(SHORTEST, found[1])

    def text(self, first: int, payload: bytes) -> bytes:
        return payload

    def say(self, first: int, payload: bytes) -> None:
        """A short frame; masked by zeros, which changes nothing."""
        if self.transport is not None:
            self.transport.write(bytes([first, 0x80 | len(payload)]) + bytes(4) + payload)


class CompressedSocket(Socket):
    """The same with permessage-deflate, as browsers offer it."""

    extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

    def connection_made(self, transport: Any) -> None:
        self.inflate = zlib.decompressobj(-15)
        super().connection_made(transport)

    def text(self, first: int, payload: bytes) -> bytes:
        return self.inflate.decompress(payload + b"\x00\x00\xff\xff") if first & 0x40 else payload


def get(request: Request, headers: str) -> bytes:
    """A GET, with this caller's cookie."""
    return f"GET {request.path} HTTP/1.1\r\nHost: localhost\r\nCookie: {request.cookie}\r\n{headers}\r\n".encode()


def socket_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """First byte, payload and what follows (RFC 6455, 5.2); None while it isn't complete."""
    if len(data) < 2:
        return None
    size, begin = data[1], 2
    if size == 126 and len(data) >= 4:
        size, begin = struct.unpack_from("!H", data, 2)[0], 4
    elif size >= 126:
        return None  # longer ones than 64 KiB don't come
    end = begin + size
    return (data[0], data[begin:end], data[end:]) if len(data) >= end else None
