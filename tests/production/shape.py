"""`make demo-full` for the tests, on ports and in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.keeper import is_free, until
from servers.server import ROOT
from servers.topology import HTTP_PORT, HTTPS_PORT
from tests.e2e.follower import Follower, Target
from tests.e2e.welcome import welcome_of
from tests.processes import spawn
from tests.workers import children_of

__all__ = ["Shape", "are_gone", "demo_full", "told", "words"]

TIMEOUT = 120  # s
STRANGERS = {"DATABASE_URL", "CELERY_BROKER_URL", "TEST_SCRATCH", "DJANGO_SETTINGS_MODULE"}


@dataclass(frozen=True)
class Shape:
    """One that runs."""

    process: "subprocess.Popen[str]"
    data: Path
    welcome: str
    port: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"https://localhost:{self.port + HTTPS_PORT - HTTP_PORT}"

    @property
    def inside(self) -> str:
        """A web process's own address."""
        found = re.search(r"(http://localhost:\d+)/metrics", self.welcome)
        assert found, self.welcome
        return found[1]

    @property
    def authority(self) -> Path:
        return self.data / "full/caddy/pki/authorities/local/root.crt"

    @property
    def requests(self) -> Path:
        return self.data / "full/caddy/requests.log"

    @property
    def servers(self) -> list[int]:
        """The process ids of its servers' first processes."""
        return [child for keeper in children_of(self.process.pid) for child in children_of(keeper)]

    @property
    def database_url(self) -> str:
        """As its own processes are told it."""
        told = (word.partition("=") for pid in self.servers for word in words(pid, "environ"))
        return next(value for name, _, value in told if name == "DATABASE_URL")

    def target(self, links: dict[str, str], *, secure: bool) -> Target:
        return Target(self.secure_url, links, authority=self.authority) if secure else Target(self.url, links)

    def end(self) -> tuple[int, str]:
        """Ctrl-C; its exit code and its last words."""
        self.process.send_signal(signal.SIGINT)
        rest, errors = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, (rest + errors).strip()


@contextmanager
def demo_full(folder: Path, cut: int, stream: float) -> Iterator[Shape]:
    """Until the end of `with`, or its own."""
    port = next(number for number in range(20_100, 31_000, 7) if all(map(is_free, (number, number + 363))))
    process = spawn(
        [sys.executable, "-m", "tests.production.paced", str(cut)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in STRANGERS}
        | {"DATA_DIR": str(folder), "PORT": str(port), "HEADWAY_STREAM_SECONDS": str(stream), "LOG_LEVEL": "INFO"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Shape(process, folder, welcome_of(process), port)
        finally:
            process.kill()  # its servers end with it


def told(followers: list[Follower], requests: list[dict[str, Any]]) -> str:
    """Figures for people."""
    longest = max(request["duration"] for request in requests)
    kinds = ", ".join(f"{type(follower).__name__} {follower.openings}×" for follower in followers)
    return f"{len(requests)} requests, the longest {longest:.2f} s; {kinds}"


def words(pid: int, name: str) -> list[str]:
    """A process's, of /proc, where they end with NUL."""
    return Path(f"/proc/{pid}/{name}").read_text().split("\0")[:-1]


def are_gone(pids: list[int]) -> None:
    """Fails when one is still there after a while."""
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), TIMEOUT), pids
