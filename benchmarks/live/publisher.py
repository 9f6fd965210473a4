"""What the watchers hear of: real checkpoints of real runs, each committed by another process than the web's."""

import random
import threading
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from django.db import connection

from benchmarks.operations import Nothing
from headway import runs
from headway.database import write
from headway.models import Part, Run
from headway.snapshots import snapshot
from headway.states import Counts
from headway.store.parts import checkpoints, leases, planning
from headway.store.parts.checkpoints import Checkpoint

from .latency import Change
from .people import owner

__all__ = ["Channel", "Publisher", "channels"]

PERIOD = 0.5  # s between two checkpoints of one run
JITTER = 0.1  # s; or else the hub's rounds and ours would keep step
ITEMS = 1_000_000
numbers = count(ITEMS)


class Channel:
    """A run that is running, and its part, owned by us."""

    def __init__(self, run: Run, part: Part) -> None:
        self.run_id, self.part = run.pk, part
        self.rest: int = snapshot(run.pk)["revision"] - part.seq

    def publish(self) -> tuple[int, float]:
        """A checkpoint, told as a worker tells of it: (the revision that it makes, when it was committed)."""
        part = self.part
        done = part.seq * 100
        now = round(time.time() * 1000)
        pace = [[now - 500, done - 100], [now, done]]
        stand = Checkpoint(
            cursor=done, counts=Counts(done), worked_ms=done, suspected=0, careful=0, pace=pace, message="Counting"
        )
        with write():
            checkpoints.write_checkpoint(part, stand, renew=False)
        committed = time.monotonic()
        part.seq += 1
        return self.rest + part.seq, committed


def channels(wanted: int) -> list[Channel]:
    """So many new runs, planned and running. All that are due are ours, so nothing else may be."""
    started = {
        run.pk: run for run in (runs.start(Nothing, {"items": next(numbers)}, user=owner()).run for _ in range(wanted))
    }
    made = []
    while part := leases.claim("benchmark", 1):
        run = started[part.run_id]
        planning.plan(part, lambda: [planning.Range({"n": ITEMS})])
        Run.objects.filter(pk=run.pk).update(total=ITEMS, total_exact=True)
        owned: Any = leases.reclaim(part)
        made.append(Channel(run, owned))
    return made


class Publisher(threading.Thread):
    """Writes checkpoints, two a second for each run, the runs after each other; `changes` says when each was there."""

    def __init__(self, published: Sequence[Channel]) -> None:
        super().__init__(name="publisher", daemon=True)
        self.channels = published
        self.changes: list[Change] = []
        self.stopping = threading.Event()

    def __enter__(self) -> "Publisher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()

    def run(self) -> None:
        step = PERIOD / len(self.channels)
        began = time.monotonic()
        for number in count():
            due = began + number * step + random.uniform(0, JITTER)
            if self.stopping.wait(max(0.0, due - time.monotonic())):
                break
            place = number % len(self.channels)
            revision, committed = self.channels[place].publish()
            self.changes.append(Change(place, revision, committed))
        connection.close()
