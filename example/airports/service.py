"""An HTTP service that knows how many runways an airport has, and is as unreliable as such services are.

It answers late, or with 503, by a seed; now and then it is busy and refuses all questions for a second, with 429 and a
Retry-After; and for a while it doesn't answer at all, where it is told to.
`python -m example.airports.service PORT` serves it; without one that is named, a worker's process serves its own.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

__all__ = ["Service", "address"]

LATE = 0.020  # s, at most
BUSY, BROKEN = 0.01, 0.05  # of the answers: it is busy from then on; it is broken just then
AGAIN_IN = 1  # s for which it is busy


class Service(ThreadingHTTPServer):
    """Answers GET /ICAO; `down_after` so many questions it is down for `down_for` seconds."""

    daemon_threads = True

    def __init__(self, port: int = 0, *, seed: int = 7, down_after: int | None = None, down_for: float = 30.0) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.dice, self.lock = random.Random(seed), threading.Lock()
        self.down_after, self.down_for, self.down_until = down_after, down_for, 0.0
        self.busy_until = 0.0
        self.times_busy = 0
        self.asked: list[str] = []
        """What was asked while it was up, in order."""
        self.asked_while_down = 0
        self.told = Counter[int]()
        """How often it has answered with each status."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> "Service":
        """In a thread."""
        threading.Thread(target=self.serve_forever, name="airport-service", daemon=True).start()
        return self

    def status(self, path: str) -> int | None:
        """What it answers now; None: nothing."""
        with self.lock:
            if self.down_after is not None and len(self.asked) >= self.down_after:
                self.down_after, self.down_until = None, time.monotonic() + self.down_for
            if time.monotonic() < self.down_until:
                self.asked_while_down += 1
                return None
            self.asked.append(path)
            status = self.throw()
            self.told[status] += 1
            return status

    def throw(self) -> int:
        """The status by chance, and by how it was before."""
        dice = self.dice.random()
        if time.monotonic() < self.busy_until:
            return 429
        if dice < BUSY:
            self.busy_until, self.times_busy = time.monotonic() + AGAIN_IN, self.times_busy + 1
            return 429
        return 503 if dice < BUSY + BROKEN else 200


class Answer(BaseHTTPRequestHandler):
    """To one question."""

    server: Service

    def do_GET(self) -> None:
        status = self.server.status(self.path)
        if status is None:
            self.close_connection = True
            return
        time.sleep(random.Random(self.path).uniform(0, LATE))
        body = json.dumps({"runways": 1 + sum(map(ord, self.path)) % 4}).encode() if status == 200 else b""
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", str(AGAIN_IN))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""


@cache
def address() -> str:
    """Of the service that AIRPORT_SERVICE names, or of this process's own."""
    return settings.AIRPORT_SERVICE or Service().start().url


if __name__ == "__main__":
    Service(int(sys.argv[1]) if sys.argv[1:] else 8090).serve_forever()
