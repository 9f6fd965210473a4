"""Many raw connections at once, without the cost of a client for each: they read, and show what came."""

import asyncio
import resource
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Self

from tests.workers import until

from .server import Server

__all__ = ["Crowd", "Reader"]

FILES = 4_096  # that this process may have open


class Reader(asyncio.Protocol):
    """One connection: what came, and whether it has been closed."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.data = bytearray()
        self.closed = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True


class Crowd:
    """Streams of Server-Sent Events, read by a thread of their own."""

    def __init__(self, server: Server, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.readers: list[Reader] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, FILES)), hard))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def open(self, path: str, count: int) -> None:
        """So many more streams; returns when each has had its first message."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n{self.headers}\r\n".encode()
        for opened in range(0, count, 100):
            self.call(self.connect(request, min(100, count - opened)))
            self.until(lambda reader: b"data: " in reader.data)

    def until(self, so: Callable[[Reader], bool]) -> None:
        """Until it is so of every reader."""
        until(lambda: all(so(reader) for reader in self.readers))

    def leave(self) -> None:
        """All go."""
        self.call(self.close())

    async def connect(self, request: bytes, count: int) -> None:
        for _ in range(count):
            _, reader = await self.loop.create_connection(lambda: Reader(request), "127.0.0.1", self.server.port)
            self.readers.append(reader)

    async def close(self) -> None:
        for reader in self.readers:
            reader.transport.close()

    def call(self, doing: Coroutine[Any, Any, None]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(doing, self.loop)
        done.result(60)
