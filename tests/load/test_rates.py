"""A rate over several worker processes: kept to a hundredth above and a twentieth below, whoever is killed."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from headway import runs
from headway.models import Part, Run
from headway.runner.allowance import SPAN
from headway.snapshots import snapshot
from tests.app.paced import PACED, begun, most_within
from tests.crash.aloud import Tell
from tests.once import once
from tests.pace import BareProcess
from tests.workers import Workers, children_of, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 4
LATE = 0.05  # s after its moment in which the first item may be begun: those after it are none the quicker for that
BURST = 0.2  # s


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    path = tmp_path / "sink"
    path.touch()
    return path


def start(kind: str, rate: str, sink: Path, *, items: int, times: int = 1, seconds: float = 0.0) -> list[Run]:
    given = {"items": items, "sink": str(sink), "seconds": seconds}
    return [runs.start(PACED[kind, rate], given).run for _ in range(times)]


@pytest.mark.alone
@pytest.mark.parametrize(
    ("kind", "allowed", "processes"),  # each way and each number of workers with each rate
    [
        *once(("process", 50, 1), ("threads", 500, 1), ("outside", 500, 2)),
        ("process", 500, 4),
        ("threads", 50, 2),
        ("outside", 50, 4),
    ],
)
def test_a_rate_is_kept_over_all_workers(
    kind: str, allowed: int, processes: int, sink: Path, workers: Workers, tell: Tell
) -> None:
    rate, items = f"{allowed}/s", SECONDS * allowed // processes
    workers.start(processes)
    with BareProcess() as bare:
        for run in start(kind, rate, sink, items=items, times=processes):
            wait_for_end(run.pk)
    at = begun(sink)
    seconds = at[-1] - at[0]
    found, ends = (len(at) - 1) / seconds, SPAN * (processes - 1)  # s that all ends of parts but the last may lose
    late = LATE * bare.slower
    tell(f"{kind}, {rate}, {processes} workers: {found / allowed - 1:+.1%}, the machine {bare.slower:.1f} times slower")
    assert len(at) == items * processes
    assert len(at) - 1 <= allowed * 1.01 * (seconds + late)
    assert found * bare.slower * seconds / (seconds - ends) >= allowed * 0.95
    assert most_within(sink, 1.0) <= allowed * (1 + BURST) + 1


@pytest.mark.alone
def test_workers_that_are_slower_than_the_rate_keep_it_together(sink: Path, workers: Workers, tell: Tell) -> None:
    """Each does twenty a second; what one can't use, the others get."""
    workers.start(4)
    with BareProcess() as bare:
        for run in start("prepare", "50/s", sink, items=50, times=4, seconds=0.05):
            wait_for_end(run.pk)
    at = begun(sink)
    found = (len(at) - 1) / (at[-1] - at[0])
    tell(f"{found:.1f} a second, the machine {bare.slower:.1f} times slower")
    assert found <= 50 * 1.01
    assert found * bare.slower >= 50 * 0.9


@pytest.mark.parametrize("kind", ["process", "threads", "outside"])
def test_a_killed_worker_neither_loses_an_item_nor_passes_the_rate(kind: str, sink: Path, workers: Workers) -> None:
    supervisor = workers.start(2)
    started = start(kind, "50/s", sink, items=100, times=2)
    for count in (20, 60, 100):
        until(lambda count=count: len(begun(sink)) >= count)
        os.kill(children_of(supervisor.pid)[0], signal.SIGKILL)
    ended = [wait_for_end(run.pk) for run in started]

    doubtful = 0 if kind != "outside" else sum(part.failed for part in Part.objects.all())
    assert {run.state for run in ended} <= {"succeeded", "partial"}
    assert sum(part.succeeded for part in Part.objects.all()) == 200 - doubtful
    assert doubtful <= 3 * 16
    assert most_within(sink, 1.0) <= 50 * (1 + BURST) + 1


@pytest.mark.once
@pytest.mark.parametrize("kind", ["process", "threads", "outside"])
@pytest.mark.parametrize("rate", ["1/s", "1/min"])
def test_a_run_that_waits_for_its_rate_is_paused_within_a_second(
    kind: str, rate: str, sink: Path, workers: Workers
) -> None:
    workers.start()
    (run,) = start(kind, rate, sink, items=50)
    until(lambda: len(begun(sink)) >= 1)
    until(lambda: Part.objects.get(run=run).seq > 1)
    with BareProcess() as bare:
        runs.pause(run)
        took = until(lambda: Run.objects.get(pk=run.pk).state == "paused")
    assert bare.undisturbed(took) < 1.0


@pytest.mark.once
@pytest.mark.parametrize("kind", ["process", "threads", "outside"])
def test_a_worker_that_waits_for_the_rate_is_gone_within_two_seconds_of_sigterm(
    kind: str, sink: Path, workers: Workers
) -> None:
    worker = workers.start()
    (run,) = start(kind, "1/s", sink, items=50)
    until(lambda: len(begun(sink)) >= 2)
    with BareProcess() as bare:
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        took = time.monotonic() - began
    assert bare.undisturbed(took) < 2.0
    assert Part.objects.get(run=run).token is None


def test_while_all_workers_wait_the_run_is_told_as_going_on(sink: Path, workers: Workers) -> None:
    workers.start(2, lease_seconds=1)
    (run,) = start("process", "1/s", sink, items=6)
    seen = []

    def look() -> bool:
        seen.append(snapshot(run.pk))
        return bool(seen[-1]["done"])

    until(look)
    told = Counter((each["stalled"], each["resumes"]) for each in seen)
    assert set(told) == {(False, 0)}, told
    rates = [each["progress"]["rate"] for each in seen if each["progress"]["rate"] is not None]
    late = [rate for rate in rates if rate > 0]
    assert late
    assert late[-1] == pytest.approx(1.0, rel=0.3)
    assert len(begun(sink)) == 6
