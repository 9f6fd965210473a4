"""A file of 80 MB is taken, counted and worked on without being held in memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from example.airports.operations import BUNDLED
from tests.workers import environment

SIZE = 80 * 2**20  # bytes
GROWTH = 30 * 2**20  # bytes; what a chunk of 4,000 rows and SQLite's log need, and far less than the file

SCRIPT = """
import json, re, sys, threading, time
from pathlib import Path

import django

django.setup()

from django.core.files import File

from headway import runner, runs
from headway.store.parts import leases


def memory():
    "The most that this process has held so far, in bytes; from /proc, since ru_maxrss also holds what its parent had."
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def start(path):
    with Path(path).open("rb") as file:
        return runs.start("airports.import_airports", {"file": File(file, name="airports.csv")}).run


def work(run, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until and (part := leases.claim("large", 1)):
        runner.work(part, lambda: time.monotonic() > until, runner.Pulse())


small, large = sys.argv[1:]
run = start(small)
work(run, 600)
before = memory()

run = start(large)
work(run, 2)
for thread in threading.enumerate():
    if thread.name.startswith("headway-count-"):
        thread.join()
run = runs.cancel(run)
part = run.parts.get()
print(json.dumps({"grown": memory() - before, "total": run.total, "processed": part.processed, "state": run.state}))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
@pytest.mark.once
def test_the_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    content = BUNDLED.read_bytes()
    header, _, rows = content.partition(b"\n")
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_bytes(b"\n".join([header, *rows.splitlines()[:2_000]]) + b"\n")
    times = SIZE // len(rows) + 1
    with large.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(rows)

    try:
        said = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(small), str(large)],
            env=environment() | {"TEST_SCRATCH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        large.unlink()
        shutil.rmtree(tmp_path / "media", ignore_errors=True)  # the copy that the run has kept

    assert said.returncode == 0, said.stderr
    seen = json.loads(said.stdout)
    assert seen["total"] == 28_298 * times
    assert seen["processed"] > 0
    assert seen["state"] == "cancelled"
    assert seen["grown"] < GROWTH, seen
