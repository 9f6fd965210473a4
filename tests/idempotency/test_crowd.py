"""Two hundred who send the same request with the same key to a server, in the same instant."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from tests.app.models import Thing
from tests.crash.aloud import Tell
from tests.crash.aloud import tell as tell
from tests.live.clients import cookie
from tests.live.conftest import serve as serve
from tests.live.server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.crowd]

MANY = 200
ROUNDS = 3  # at most: whatever else the machine does only ever slows
TIMES = 4  # the bare view's time, at most; it doesn't wait for anybody's answer


@dataclass(frozen=True)
class Given:
    """One answer."""

    status: int
    body: bytes
    replayed: bool
    milliseconds: float


@pytest.mark.parametrize(("bare", "path"), [("/plain/orders/", "/order/"), ("/plain/async/", "/async/")])
def test_two_hundred_at_once_have_one_effect_and_none_is_refused(
    bare: str, path: str, demo: User, serve: Callable[..., Server], tell: Tell
) -> None:
    server = serve(TEST_URLCONF="tests.idempotency.views")
    signed_in = cookie(demo)
    at_once(server, bare, signed_in)  # the server's first requests open its connections
    plain, once = [], []
    for _ in range(ROUNDS):
        plain += at_once(server, bare, signed_in)
        before = Thing.objects.count()
        answers = at_once(server, path, signed_in | {"Idempotency-Key": str(uuid4())})
        assert Thing.objects.count() == before + 1
        assert {(given.status, given.body) for given in answers} == {(201, answers[0].body)}
        assert Counter(given.replayed for given in answers) == {False: 1, True: MANY - 1}
        once += answers
        tell(f"{MANY} at once, {path}: {spell(once)}; the bare view, each with its effect: {spell(plain)}")
        if percentile(once, 99) < TIMES * percentile(plain, 99):
            break
    assert percentile(once, 99) < TIMES * percentile(plain, 99)


def at_once(server: Server, path: str, headers: dict[str, str]) -> list[Given]:
    """What each is answered to the same form, whose last byte all send in the same instant."""
    return asyncio.run(send_all(server.port, request(path, headers)))


def request(path: str, headers: dict[str, str]) -> bytes:
    body = urlencode({"name": "one"})
    said = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": "application/x-www-form-urlencoded"} | headers
    said["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n{body}".encode()


async def send_all(port: int, request: bytes) -> list[Given]:
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MANY)]
    for _, writer in pairs:
        writer.write(request[:-1])
    await asyncio.gather(*(writer.drain() for _, writer in pairs))
    for _, writer in pairs:
        writer.write(request[-1:])
    return await asyncio.gather(*(answer_from(reader, writer, time.perf_counter()) for reader, writer in pairs))


async def answer_from(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, began: float) -> Given:
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    took = (time.perf_counter() - began) * 1000
    writer.close()
    return Given(int(head.split()[1]), body, b"idempotent-replayed" in head.lower(), took)


def percentile(answers: list[Given], per_cent: float) -> float:
    """Milliseconds."""
    times = sorted(given.milliseconds for given in answers)
    return times[round(per_cent / 100 * (len(times) - 1))]


def spell(answers: list[Given]) -> str:
    return f"median {percentile(answers, 50):.0f} ms, p99 {percentile(answers, 99):.0f} ms"
