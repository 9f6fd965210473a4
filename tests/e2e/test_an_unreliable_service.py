"""A run whose items ask a real HTTP service that is often busy, sometimes broken, and down for a while."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headway import runs
from headway.snapshots import snapshot
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ITEMS = 200
SEED = 7
BUSY, BROKEN = 0.10, 0.05  # of the answers
DOWN_FOR = 3.0  # s


class Service(ThreadingHTTPServer):
    """Answers /NUMBER; with 429 or 503 by a seed, and with nothing while it is down."""

    daemon_threads = True

    def __init__(self, down_after: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.dice, self.lock = random.Random(SEED), threading.Lock()
        self.asked: list[str] = []  # while it was up
        self.refused = Counter[int]()
        self.down_after, self.down_until = down_after, 0.0
        self.asked_while_down = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def status(self, path: str) -> int | None:
        """None: no answer."""
        with self.lock:
            if self.down_after is not None and len(self.asked) >= self.down_after:
                self.down_after, self.down_until = None, time.monotonic() + DOWN_FOR
            if time.monotonic() < self.down_until:
                self.asked_while_down += 1
                return None
            self.asked.append(path)
            throw = self.dice.random()
            status = 429 if throw < BUSY else 503 if throw < BUSY + BROKEN else 200
            self.refused[status] += 1
            return status


class Answer(BaseHTTPRequestHandler):
    """To one question."""

    server: Service

    def do_GET(self) -> None:
        status = self.server.status(self.path)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with Service(getattr(request, "param", None)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_nobody_waits_behind_an_item_that_is_to_be_tried_again(workers: Workers, service: Service) -> None:
    run = runs.start("tests.ask_service", {"items": ITEMS, "url": service.url}).run
    workers.start()

    assert wait_for_end(run.pk).state == "succeeded"

    assert set(LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True)) == set(map(str, range(ITEMS)))
    assert LedgerEntry.objects.filter(run=run.pk).count() == ITEMS
    assert service.refused[429] > 10
    assert service.refused[503] > 3
    assert len(set(service.asked[:ITEMS])) == ITEMS, "one was asked for again before all others had had their turn"
    assert len(service.asked) == ITEMS + service.refused[429] + service.refused[503], "one was asked for without need"


@pytest.mark.parametrize("service", [ITEMS // 2], indirect=True)
def test_while_the_service_is_down_the_run_waits_and_says_so(workers: Workers, service: Service, tell: Tell) -> None:
    run = runs.start("tests.ask_service", {"items": ITEMS, "url": service.url}).run
    workers.start()

    until(lambda: snapshot(run.pk)["waiting_until"] is not None and service.down_until > 0)
    waits = snapshot(run.pk)
    ended = wait_for_end(run.pk)

    assert "seems to be down" in (waits["reason"] or {}).get("text", "")
    assert ended.state == "succeeded"
    assert LedgerEntry.objects.filter(run=run.pk).count() == ITEMS
    tell(f"down for {DOWN_FOR:.0f} s: asked {service.asked_while_down} times meanwhile, for {ITEMS} items")
    # What had been prepared ahead when it went down, and a few for each look whether it is back.
    assert service.asked_while_down < ITEMS, "the run went through its items again and again while nobody answered"
