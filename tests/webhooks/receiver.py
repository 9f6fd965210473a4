"""`python -m tests.webhooks.receiver FILE PORT SECRET`: an HTTP server that writes down each webhook that it is sent.

The path says how it answers: `/200` (any status), `/fail/2` (500 twice, then 204), `/hold` (never at first, then 204),
`/cut` (it closes the connection), `/moved` (to `/200`). It says its port, and ends with its standard input.
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.processes import spawn, whole_lines

__all__ = ["OLD", "SECRET", "Receiver"]

SECRET, OLD = "whsec_bmV3LXNlY3JldC1vZi0zMi1ieXRlcy1vci1zby4uLi4=", "whsec_b2xkLXNlY3JldC1vZi0zMi1ieXRlcy1vci1zby4uLi4="


class Answer(BaseHTTPRequestHandler):
    """To one webhook."""

    server: "Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        before = self.server.write(self.path, dict(self.headers), body)
        if self.path == "/hold" and not before:
            threading.Event().wait()
        if self.path != "/cut":
            self.answer(self.status(before))

    def status(self, before: int) -> int:
        """By the path, and how many came to it before."""
        _, how, *more = self.path.split("/")
        if how == "fail":
            return 500 if before < int(more[0]) else 204
        return {"hold": 204, "moved": 307}.get(how) or int(how[:3])

    def answer(self, status: int) -> None:
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "/200")
        if "/later/" in self.path:
            self.send_header("Retry-After", self.path.rpartition("/")[2])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: Any) -> None:
        """It writes down what matters."""


class Server(ThreadingHTTPServer):
    """Knows how often each path was asked."""

    daemon_threads = True

    def __init__(self, file: str, port: int, secret: str) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.secret, self.asked, self.lock = secret, Counter[str](), threading.Lock()

    def write(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """On record before it is answered, with whether its signature is right; gives how many came to it before."""
        told = {"path": path, "id": headers.get("Webhook-Id"), "headers": headers, "body": body.decode()}
        try:
            told["event"] = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError as error:
            told["fault"] = str(error)
        with self.lock:
            os.write(self.file, f"{json.dumps(told)}\n".encode())
            self.asked[path] += 1
            return self.asked[path] - 1


class Receiver:
    """Runs in a process of its own while a test wants it to; it comes back at the same port."""

    def __init__(self, folder: Path, secret: str = SECRET) -> None:
        self.path, self.port, self.secret = folder / "webhooks", 0, secret
        self.path.touch()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.webhooks.receiver", str(self.path), str(self.port), self.secret]
        self.process = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.communicate()

    def __enter__(self) -> "Receiver":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def at(self, path: str, **declared: Any) -> dict[str, Any]:
        """An entry of HEADWAY["WEBHOOKS"]."""
        return {"url": f"http://127.0.0.1:{self.port}{path}", "secret": SECRET, "allow_http": True} | declared

    @property
    def got(self) -> list[dict[str, Any]]:
        """What has come, in order."""
        return [json.loads(line) for line in whole_lines(self.path)]


def main(file: str, port: str, secret: str) -> None:
    server = Server(file, int(port), secret)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
