"""Many who start a run in the same instant: processes of many threads, each with a connection of its own.

`Starters` is the test's side. The other is this file run as a process: a line of JSON in for each request, one out.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import OperationalError, connection

from headway import runs
from headway.errors import IdempotencyKeyReused, RunConflict
from tests.app.gates import Gate
from tests.forked import start as begin
from tests.workers import environment, until

__all__ = ["STARTERS", "Answer", "Starters"]

PROCESSES, THREADS = 4, 50
STARTERS = PROCESSES * THREADS
OPERATION = "tests.write_ledger"
APPLICATION = "starters"  # how PostgreSQL calls their sessions


@dataclass(frozen=True)
class Answer:
    """What one start came to (a disposition, "refused", "reused" or an error), for which run, and how long it took."""

    what: str
    run: str
    milliseconds: float


class Starters:
    """200 of them, in processes that live as long as this. They connect by their first start, and stay connected.

    Meanwhile they may need every connection that the server has: the test itself uses none.
    """

    def __init__(self, directory: Path) -> None:
        self.gate = Gate(directory / "start").build()
        self.processes = [Several(directory / "start", directory / f"asked-{number}") for number in range(PROCESSES)]

    def start(
        self, given: Sequence[dict[str, Any]], operation: str = OPERATION, key: str | None = None
    ) -> list[Answer]:
        """One start by each of them, with these parameters and this idempotency key, all in the same instant."""
        assert len(given) == STARTERS
        for number, process in enumerate(self.processes):
            process.say(["start", operation, key, given[number * THREADS : (number + 1) * THREADS]])
        self.gate.wait_until_all_reached(STARTERS)
        self.gate.open(STARTERS)
        return [Answer(**answer) for process in self.processes for answer in process.hear()]

    def cancel(self, run: str) -> str:
        """One of them cancels the run; its state then."""
        self.processes[0].say(["cancel", run])
        return str(self.processes[0].hear())

    def __enter__(self) -> "Starters":
        connection.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.end()
        until(are_gone)


class Several:
    """A process of them: this file."""

    def __init__(self, gate: Path, asked: Path) -> None:
        os.mkfifo(asked)
        ours, theirs = os.pipe()
        with open(theirs, "wb") as out:
            command = ["-m", "tests.load.starters", str(gate), str(asked)]
            self.process = begin(command, environment() | {"PGAPPNAME": APPLICATION}, out)
        self.asked, self.answers = asked.open("w", buffering=1), open(ours)  # noqa: SIM115  (until `end`)

    def say(self, request: Any) -> None:
        self.asked.write(json.dumps(request) + "\n")

    def hear(self) -> Any:
        return json.loads(self.answers.readline())

    def end(self) -> None:
        """By the end of what it is asked."""
        self.asked.close()
        self.process.wait()
        self.answers.close()


def are_gone() -> bool:
    """Whether a new connection can be had, and none of theirs is left."""
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            [APPLICATION],
        )
        return bool(cursor.fetchone()[0] == 0)


def start(gate: Gate, operation: str, key: str | None, given: dict[str, Any]) -> Answer:
    """One start, by the thread that calls this."""
    gate.wait_here()
    began = time.perf_counter()
    run: Any = None
    try:
        started = runs.start(operation, given, idempotency_key=key)
        what, run = started.disposition, started.run.pk
    except RunConflict as conflict:
        what, run = "refused", conflict.existing
    except IdempotencyKeyReused:
        what = "reused"
    except Exception as error:
        what = repr(error)
    return Answer(what, str(run), (time.perf_counter() - began) * 1000)


def main(gate: Gate, asked: Path) -> None:
    """Do what is asked, as long as somebody asks."""
    with ThreadPoolExecutor(THREADS) as threads, asked.open() as lines:
        for line in lines:
            match json.loads(line):
                case "start", operation, key, given:
                    # As many as there are threads, and each waits at the gate: so each thread has one.
                    answer: Any = [
                        asdict(answer) for answer in threads.map(partial(start, gate, operation, key), given)
                    ]
                case "cancel", run:
                    answer = threads.submit(runs.cancel, run).result().state
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Gate(sys.argv[1]), Path(sys.argv[2]))
