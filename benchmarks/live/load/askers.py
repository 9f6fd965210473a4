"""Short requests: as many as go, over connections that stay; or at a fixed rate, to see how long each one takes."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Any

from .answers import whole
from .clients import get
from .crowd import Crowd, Request

__all__ = ["answered", "ask_on", "visit"]

PATIENCE = 10.0  # s for one page
IDLE = 3.0  # s after which a connection isn't used again: the server closes it after five
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ETAG = re.compile(rb"\r\netag: ([^\r]+)", re.IGNORECASE)


class Asker(asyncio.Protocol):
    """Asks the same again as soon as the answer is there."""

    def __init__(self, request: Request, *, conditional: bool) -> None:
        self.question = get(request, "Accept: application/json\r\n")
        self.request, self.conditional = request, conditional
        self.statuses: Counter[int] = Counter()
        self.rest = b""
        self.warm = asyncio.get_running_loop().create_future()  # done with the second answer

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.question)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while answer := whole(self.rest):
            self.rest = answer.rest
            self.statuses[answer.status] += 1
            if answer.status == 200 and self.conditional:
                tag = ETAG.findall(answer.head)[0].decode()
                self.question = get(self.request, f"If-None-Match: {tag}\r\n")
            if self.statuses.total() == 2:
                self.warm.set_result(None)
            self.transport.write(self.question)

    def leave(self) -> None:
        self.transport.abort()


async def ask_on(crowd: Crowd, requests: Sequence[Request], conditional: bool) -> None:
    """Each request over a connection of its own, until the crowd is closed; `conditional`: with If-None-Match.

    Returns when each has been answered twice, since the first answers are whole.
    """
    crowd.clients = [Asker(request, conditional=conditional) for request in requests]
    for asker in crowd.clients:
        await crowd.connect(asker)
    await asyncio.gather(*(asker.warm for asker in crowd.clients))


def answered(crowd: Crowd) -> Counter[int]:
    """How many answers of each status have come until now."""
    return sum((asker.statuses for asker in crowd.clients), Counter())


async def visit(crowd: Crowd, request: Request, per_second: float, seconds: float) -> list[float]:
    """How long each page took from the moment when it was due; PATIENCE where it didn't come."""
    idle: list[tuple[float, Connection]] = []
    question = get(request, "Accept: text/html\r\n")
    began = monotonic()

    async def connected() -> Connection:
        since, connection = idle.pop() if idle else (0.0, None)
        if connection is not None and monotonic() - since < IDLE:
            return connection
        return await asyncio.open_connection("127.0.0.1", crowd.port)

    async def visit_once(due: float) -> float:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                reader, writer = await connected()
                writer.write(question)
                data = b""
                while not (answer := whole(data)):
                    data += await reader.readexactly(1) + await reader.read(65_536)
                idle.append((monotonic(), (reader, writer)))
                return monotonic() - due if answer.status == 200 else PATIENCE
        return PATIENCE

    tasks = []
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - monotonic()))
        tasks.append(asyncio.create_task(visit_once(due)))
    found = list(await asyncio.gather(*tasks))
    for _, (_, writer) in idle:
        writer.close()
    return found
