"""What several workers, and several threads of one, make of items that mostly wait."""

import time
from math import inf

import pytest

from headway import runs
from headway.models import Run
from headway.operations.context import Context
from tests.app.models import LedgerEntry
from tests.app.preparing import AskInParts
from tests.crash.aloud import Tell
from tests.crash.scene import entries
from tests.workers import Workers, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.alone]

ITEMS, OF_THE_LOOP = 400, 100
LEAST = {2: 1.8, 4: 3.0}  # times as fast, beside other tests; on two idle cores 1.94 and 3.55 (benchmarks)
ROUNDS = 5  # at most: whatever else the machine does only ever slows, so the best of each counts


def seconds_for(operation: str, workers: int) -> float:
    """How long so many workers take for all items, each done once."""
    with Workers() as started:
        started.start(processes=workers)
        run = runs.start(operation, {"count": ITEMS}).run
        ended = wait_for_end(run.pk)
    done = entries(run.pk)
    assert (ended.state, len(done), set(done.values())) == ("succeeded", ITEMS, {1})
    return took(ended)


def took(run: Run) -> float:
    assert run.started_at
    assert run.finished_at
    return (run.finished_at - run.started_at).total_seconds()


def seconds_of_the_plain_loop() -> float:
    """How long a loop would take that does the same to one item after the other."""
    operation = AskInParts(Context())
    began = time.monotonic()
    for number in range(OF_THE_LOOP):
        LedgerEntry.objects.create(run="00000000-0000-0000-0000-000000000000", item=str(operation.prepare(number)))
    return (time.monotonic() - began) * ITEMS / OF_THE_LOOP


def test_a_run_in_parts_is_the_faster_the_more_workers_there_are(transactional_db: None, tell: Tell) -> None:
    best = dict.fromkeys((1, 2, 4), inf)
    for _ in range(ROUNDS):
        for workers in best:
            best[workers] = min(best[workers], seconds_for("tests.ask_in_parts", workers))
        times = {workers: best[1] / best[workers] for workers in best}
        tell(", ".join(f"{number} workers: {best[number]:.2f} s, {times[number]:.2f} times as fast" for number in best))
        if times[2] >= LEAST[2] and times[4] >= LEAST[4]:
            break
    assert times[2] >= LEAST[2]
    assert times[4] >= LEAST[4]


def test_one_worker_prepares_on_eight_threads_at_once(transactional_db: None, tell: Tell) -> None:
    loop = threads = inf
    for _ in range(ROUNDS):
        loop = min(loop, seconds_of_the_plain_loop())
        threads = min(threads, seconds_for("tests.ask_on_threads", 1))
        tell(f"plain loop: {loop:.2f} s, eight threads: {threads:.2f} s, {loop / threads:.1f} times as fast")
        if loop / threads >= 6:
            break
    assert loop / threads >= 6
