"""A proxy that cuts: connections in the middle of an answer, or all requests for certain addresses."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["HOLD", "LOSE", "REFUSE", "SOCKETS", "CuttingProxy", "cutting_proxy"]

REFUSE, HOLD, LOSE = "refuse", "hold", "lose"
SOCKETS = r"/ws/"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LONGEST_HEAD = 1 << 20


class CuttingProxy:
    """Stands before the server at `upstream` (None: there is none); one request a connection.

    `blocked` says what becomes of requests whose path it matches: they are refused by the proxy's own 502, held for
    ever, or (the first one) passed on without the answer. `cut()` breaks off all that is open.
    """

    def __init__(self) -> None:
        self.upstream: int | None = None
        self.blocked: dict[str, str] = {}
        self.seen: list[str] = []
        self.open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.started, self.over = threading.Event(), asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break off every connection, and wait until that is done."""
        self.call(lambda: [writer.transport.abort() for writer in self.open])

    def call(self, what: Callable[[], object]) -> None:
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (what(), done.set()))
        assert done.wait(30)

    async def run(self) -> None:
        self.loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=LONGEST_HEAD)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self.started.set()
            await self.over.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self.pass_on(reader, writer)
        finally:
            self.open.discard(writer)
            writer.close()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        self.seen.append(path)
        pattern, fate = next((each for each in self.blocked.items() if re.search(each[0], path)), ("", ""))
        if fate == HOLD:
            await reader.read()
        elif fate == REFUSE:
            writer.write(BAD_GATEWAY)
            await writer.drain()
        elif self.upstream is not None:
            if fate == LOSE:
                del self.blocked[pattern]
            await self.join(self.upstream, once(head), reader, None if fate == LOSE else writer)

    async def join(
        self, upstream: int, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None
    ) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", upstream)
        their_writer.write(head)
        up = asyncio.create_task(pump(reader, their_writer))
        try:
            await (pump(their_reader, writer) if writer else their_reader.read())
        finally:
            up.cancel()
            their_writer.close()


def once(head: bytes) -> bytes:
    """The request's head, for a connection that isn't used again; a socket's stays."""
    if b"\r\nupgrade:" in head.lower():
        return head
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([kept[0], b"Connection: close", *kept[1:]])


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while block := await source.read(1 << 16):
        target.write(block)
        await target.drain()


@contextmanager
def cutting_proxy() -> Iterator[CuttingProxy]:
    """A proxy for the length of a `with`."""
    proxy = CuttingProxy()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run()), daemon=True)
    thread.start()
    assert proxy.started.wait(30)
    try:
        yield proxy
    finally:
        proxy.cut()
        proxy.call(proxy.over.set)
        thread.join(30)
