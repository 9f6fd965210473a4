"""The web process that is measured, and what it uses, as the system tells it."""

import json
import os
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from benchmarks.interleave import Spread
from servers.web import Web

from .latency import Change
from .machine import machine

__all__ = ["Cost", "Site", "Usage"]

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
DEFAULT_LIFE = 50.0  # s; Headway's own default
FAULTS = ("Traceback", "ERROR", "CRITICAL", "Exception")


class Usage:
    """What the process has used until now, and what it holds."""

    def __init__(self, pid: int, census: dict[str, Any]) -> None:
        self.at = time.monotonic()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / TICKS  # s, of all threads
        self.memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE  # bytes, resident
        self.statements, self.threads, self.connections = (
            census["statements"],
            census["threads"],
            census["connections"],
        )

    def since(self, before: "Usage") -> "Cost":
        slowness = machine.slowness(before.at, self.at)
        return Cost(self.at - before.at, self.cpu - before.cpu, slowness, self.statements - before.statements)


@dataclass(frozen=True)
class Cost:
    """What something took: seconds by the clock, seconds of CPU, statements; and how slow the machine was meanwhile."""

    seconds: float
    cpu: float
    slowness: float
    statements: int

    @property
    def share(self) -> float:
        """Of one core."""
        return self.cpu / self.seconds

    def cpu_for(self, count: float) -> Spread:
        """CPU seconds for one of so many: at most as measured, at least what that is without the machine's slowness."""
        if not count:
            return Spread(inf, inf, inf)
        each = self.cpu / count
        return Spread(each / self.slowness, each, each)


class Site:
    """One uvicorn process, whose streams live for so long; ended with the `with`."""

    def __init__(self, stream_seconds: float = DEFAULT_LIFE) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "benchmarks.live.settings",
            "BENCHMARK_STREAM_SECONDS": str(stream_seconds),
        }
        self.web = Web(application="benchmarks.live.app:application", environment=environment)

    def __enter__(self) -> "Site":
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    @property
    def port(self) -> int:
        return self.web.ports[0]

    def usage(self) -> Usage:
        census = self.ask("/census/")
        return Usage(census["pid"], census)

    def published(self, run_ids: Sequence[str]) -> list[Change]:
        """When the hub began to tell of each change of these runs."""
        place = {run_id: number for number, run_id in enumerate(run_ids)}
        return [
            Change(place[run_id], revision, at) for run_id, revision, at in self.ask("/published/") if run_id in place
        ]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def faults(self) -> list[str]:
        """Lines of its log that tell of errors."""
        log = (self.web.directory / "server.log").read_text(errors="replace")
        return [line for line in log.splitlines() if any(fault in line for fault in FAULTS)]
