"""Many who start a run in the same instant: processes of many threads, each with a connection of its own.

`Starters` is the test's side. The other is this file run as a process: a line of JSON in for each round, one out.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import OperationalError, connection

from headway import runs
from headway.errors import RunConflict
from tests.app.gates import Gate
from tests.workers import environment

__all__ = ["PROCESSES", "THREADS", "Answer", "Starters", "connect_patiently"]

PROCESSES, THREADS = 4, 50
OPERATION = "tests.write_ledger"
PATIENCE = 30.0  # s; the server takes no more connections than there are starters, and the last round's end slowly


@dataclass(frozen=True)
class Answer:
    """What one start came to: "created", "joined" or "refused", for which run; or an error. And how long it took."""

    what: str
    run: str
    milliseconds: float


class Starters:
    """200 of them, in processes that live for the whole test."""

    def __init__(self, directory: Path) -> None:
        self.gate = Gate(directory / "start").build()
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.load.starters", str(directory / "start")],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(PROCESSES)
        ]

    def start_all(self, given: Sequence[dict[str, Any]], *, connected: bool = True) -> list[Answer]:
        """One start for each of these parameters, all in the same instant; `connected` before it, or only by it."""
        connection.close()
        for number, process in enumerate(self.processes):
            share = given[number * THREADS : (number + 1) * THREADS]
            assert process.stdin is not None
            process.stdin.write(json.dumps([share, connected]).encode() + b"\n")
            process.stdin.flush()
        self.gate.wait_until_all_reached(len(given))
        self.gate.open(len(given))
        answers = [Answer(**answer) for process in self.processes for answer in read_line(process)]
        connect_patiently()
        return answers

    def __enter__(self) -> "Starters":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def read_line(process: "subprocess.Popen[bytes]") -> list[dict[str, Any]]:
    assert process.stdout is not None
    answers: list[dict[str, Any]] = json.loads(process.stdout.readline())
    return answers


def connect_patiently() -> None:
    """Open this thread's connection; wait for one while the server has none to give."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError:
            if time.monotonic() > give_up:
                raise
        time.sleep(0.05)


def answer(gate: Gate, given: dict[str, Any], connected: bool, answers: list[Answer]) -> None:
    """One start, by a thread of its own."""
    if connected:
        connect_patiently()
    gate.wait_here()
    began = time.perf_counter()
    try:
        try:
            started = runs.start(OPERATION, given)
            what, run = started.disposition.value, started.run.pk
        except RunConflict as conflict:
            what, run = "refused", conflict.existing
        except Exception as error:
            what, run = repr(error), None
        answers.append(Answer(what, str(run), (time.perf_counter() - began) * 1000))
    finally:
        connection.close()


def main(gate: Gate) -> None:
    """Round after round, as long as somebody asks for one."""
    for line in sys.stdin:
        share, connected = json.loads(line)
        answers: list[Answer] = []
        threads = [threading.Thread(target=answer, args=(gate, given, connected, answers)) for given in share]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.write(sys.stdout.fileno(), json.dumps([asdict(answer) for answer in answers]).encode() + b"\n")


if __name__ == "__main__":
    main(Gate(sys.argv[1]))
