"""The benchmarks of live delivery run, and count what they say they count."""

import os
import subprocess
import sys

import pytest

from benchmarks.live.latency import Change, Delays, Window, delays, percentile
from benchmarks.live.load.answers import whole
from benchmarks.live.load.crowd import Arrivals

MINUTE = Window(0.0, 60.0)


def heard(*messages: tuple[int, float, int]) -> Arrivals:
    """(watcher, moment, revision) of each."""
    arrivals = Arrivals()
    for watcher, moment, revision in messages:
        arrivals.watchers.append(watcher)
        arrivals.moments.append(moment)
        arrivals.revisions.append(revision)
    return arrivals


def test_a_change_is_heard_with_its_own_message_or_a_newer_one() -> None:
    changes = [Change(0, 2, 10.0), Change(0, 3, 10.5), Change(0, 4, 11.0)]
    found = delays(changes, heard((0, 9.0, 1), (0, 10.1, 2), (0, 11.2, 4)), [0], MINUTE)
    assert [round(delay, 3) for _, delay in found.found] == [0.1, 0.7, 0.2]
    assert found.missing == 0


def test_what_was_so_when_a_watcher_opened_is_not_counted_and_what_it_never_heard_is() -> None:
    changes = [Change(0, 2, 10.0), Change(0, 3, 11.0), Change(1, 9, 11.0)]
    found = delays(changes, heard((0, 10.5, 2), (1, 10.5, 8), (1, 11.1, 9)), [0, 1], MINUTE)
    assert found == Delays([(11.0, pytest.approx(0.1))], missing=1)


def test_changes_outside_of_the_window_are_not_counted() -> None:
    changes = [Change(0, 2, 10.0), Change(0, 3, 11.0)]
    found = delays(changes, heard((0, 1.0, 1), (0, 10.1, 2), (0, 11.1, 3)), [0], Window(10.5, 20.0))
    assert [at for at, _ in found.found] == [11.0]


def test_a_percentile_of_nothing_is_endless() -> None:
    assert percentile([], 0.99) == float("inf")
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_an_answer_is_whole_with_its_last_byte() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 304 Not Modified\r\n\r\n"
    assert whole(data[:39]) is None
    first = whole(data)
    assert first is not None
    assert (first.status, first.body) == (200, b"ok")
    second = whole(first.rest)
    assert second is not None
    assert (second.status, second.rest) == (304, b"")


@pytest.mark.slow
@pytest.mark.alone
def test_all_figures_can_be_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.live", "--quick"],
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:3] for line in done.stdout.splitlines() if line.startswith("| ")]
    said = {what.strip(): figure.strip() for what, figure in rows}
    a_watcher = said["60 of 5 runs: threads and connections a watcher"].split(", ")
    assert max(map(float, a_watcher)) < 0.1, "one for each would be 1.00; on a busy machine the gate may open one more"
    assert said["SIGTERM with 50 streams: told to come back"] == "50"
    assert said["SIGTERM with 50 streams: errors in the log"] == "0"
    assert not [what for what, figure in said.items() if "inf" in figure]
