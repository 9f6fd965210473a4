"""How well a rate is kept over several workers, beside what the same items do without one."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.drive import forget_runs
from benchmarks.interleave import Spread, spread
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_percent
from benchmarks.workers import until, workers
from headway import runs
from headway.conf import conf
from headway.models import Run

__all__ = ["rates"]

PROCESSES = (1, 2, 4)
SECONDS = 5  # that a rate is kept
UNDER, OVER = -0.05, 0.01


def rates(size: Size) -> Iterator[Figure]:
    """50 and 500 a second, over 1, 2 and 4 workers with a run each."""
    for processes in PROCESSES:
        with workers(processes):
            free = a_second("benchmarks.unpaced", 2_000, processes)
            for rate in (50, 500):
                found = [
                    a_second(f"benchmarks.paced_{rate}", SECONDS * rate, processes) for _ in range(size.rate_rounds)
                ]
                off = spread([each / rate - 1 for each in found])
                yield Figure(
                    f"{rate} a second, {processes} {conf().engine} worker{'s' if processes > 1 else ''}",
                    f"{off.median * rate + rate:,.1f} a second",
                    f"without a rate {free:,.0f} a second",
                    spell_percent(off),
                    "−5 % to +1 %",
                    "ok" if is_kept(off) else "missed",
                )


def is_kept(off: Spread) -> bool:
    return off.low >= UNDER and off.high <= OVER


def a_second(operation: str, items: int, processes: int) -> float:
    """Items that were begun in a second, by as many runs as there are workers."""
    with TemporaryDirectory() as folder:
        sink = Path(folder) / "sink"
        given = {"items": items // processes, "sink": str(sink)}
        for _ in range(processes):
            runs.start(operation, given)
        until(lambda: not Run.objects.exclude(state="succeeded").exists(), seconds=120)
        begun = sorted(map(float, sink.read_text().split()))
    forget_runs()
    return (len(begun) - 1) / (begun[-1] - begun[0])
