"""Many raw connections at once, without the cost of a client for each: they read, and remember when something came."""

import asyncio
import resource
from typing import Any

from .server import Server

__all__ = ["Crowd"]


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
    """Streams of Server-Sent Events."""

    def __init__(self, server: Server, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.readers: list[Reader] = []

    async def open(self, path: str, count: int, at_once: int = 100) -> None:
        """So many more streams; returns when each has had its first message."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n{self.headers}\r\n".encode()
        loop = asyncio.get_running_loop()
        for start in range(0, count, at_once):
            made = [
                loop.create_connection(lambda: Reader(request), "127.0.0.1", self.server.port)
                for _ in range(min(at_once, count - start))
            ]
            self.readers += [reader for _, reader in await asyncio.gather(*made)]
            await self.until(lambda reader: b"data: " in reader.data)

    async def until(self, so: Any, seconds: float = 30) -> None:
        """Until it is so of every reader."""
        async with asyncio.timeout(seconds):
            while not all(so(reader) for reader in self.readers):
                await asyncio.sleep(0.01)

    def close(self) -> None:
        for reader in self.readers:
            reader.transport.close()
