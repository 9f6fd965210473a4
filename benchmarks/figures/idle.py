"""Items that do nothing: what is left is Headway. Its cost per item is constant, and its memory flat."""

import os
import subprocess
from collections.abc import Iterator

from benchmarks.drive import drive
from benchmarks.interleave import Sample, Stopwatch, interleave
from benchmarks.operations import Nothing
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds
from headway.operations.context import Context
from tests.app.sources import Numbers

__all__ = ["idle_items"]

FLAT_MIB = 5.0
CONSTANT = 0.1  # of the time per item, up or down


def idle_items(size: Size) -> Iterator[Figure]:
    """A hundred thousand and a million by turns, and a loop over the same source that calls the same method."""
    few, many = size.idle_items, size.more_idle_items
    run(few)  # so that what is allocated once is there when the memory is looked at
    before = resident_mib()
    samples = interleave(
        size.rounds // 3 or 1,
        {"few": lambda: run(few), "loop": lambda: loop(many), "many": lambda: run(many)},
    )
    after = resident_mib()
    each = samples.wall("few") / few, samples.wall("many") / many
    yield Figure(f"nothing, {few:,} items", f"{spell_seconds(each[0])} an item")
    yield Figure(
        f"nothing, {many:,} items",
        f"{spell_seconds(each[1])} an item",
        f"loop {spell_seconds(samples.wall('loop') / many)}; {few:,} items",
        f"{each[1] / each[0]:.2f} × an item of those",
        f"≤ {1 + CONSTANT:.1f} ×",
        each[1] / each[0] <= 1 + CONSTANT,
    )
    yield Figure(
        "memory after them", f"{after:.1f} MiB", f"before {before:.1f} MiB", f"{after - before:+.1f} MiB",
        f"≤ {FLAT_MIB:.0f} MiB", after - before <= FLAT_MIB,
    )  # fmt: skip


def run(items: int) -> Sample:
    return drive("benchmarks.nothing", {"items": items})


def loop(items: int) -> Sample:
    process, source = Nothing(Context(params={"items": items})).process, Numbers(items)
    with Stopwatch() as watch:
        for _cursor, _key, number in source.read(source.freeze(), None):
            process(number)
    return watch.sample


def resident_mib() -> float:
    """This process's resident memory, as `ps` tells it on every system."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(told.stdout) / 1024
