"""Items that do nothing: what is left is Headway. Its cost per item is constant, and its memory flat."""

import os
import subprocess
from collections.abc import Iterator

from benchmarks.drive import drive
from benchmarks.interleave import Sample, Stopwatch, interleave, median_wall, spread
from benchmarks.operations import Nothing
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_most, spell_seconds, spell_times
from headway.operations.context import Context
from tests.app.sources import Numbers

__all__ = ["idle_items"]

FLAT_MIB = 5.0
CONSTANT = 0.1  # of the time per item


def idle_items(size: Size) -> Iterator[Figure]:
    """A hundred thousand and a million by turns, ten million once; and a loop that calls the same method."""
    few, many = size.idle_items, size.more_idle_items
    run(few)  # so that what is allocated once is there when the memory is looked at
    before = resident_mib()
    samples = interleave(
        size.rounds // 3 or 1,
        {"few": lambda: run(few), "loop": lambda: loop(many), "many": lambda: run(many)},
    )
    most = run(size.most_idle_items).wall / size.most_idle_items
    after = resident_mib()
    each = {name: median_wall(samples[name]) / items for name, items in (("few", few), ("loop", many), ("many", many))}
    more = spread([a.wall / many / (b.wall / few) for a, b in zip(samples["many"], samples["few"], strict=True)])
    grown = after - before
    yield Figure(f"nothing, {few:,} items", f"{spell_seconds(each['few'])} an item")
    yield Figure(
        f"nothing, {many:,} items",
        f"{spell_seconds(each['many'])} an item",
        f"of {few:,} {spell_seconds(each['few'])}; loop {spell_seconds(each['loop'])}",
        spell_times(more),
        f"≤ {1 + CONSTANT:.1f} ×",
        at_most(1 + CONSTANT, more),
    )
    yield Figure(
        f"nothing, {size.most_idle_items:,} items, once",
        f"{spell_seconds(most)} an item",
        f"of {few:,} {spell_seconds(each['few'])}",
        f"{most / each['few']:.2f} ×",
    )
    yield Figure(
        "memory after these",
        f"{after:.1f} MiB",
        f"before {before:.1f} MiB",
        f"{grown:+.1f} MiB",
        f"≤ {FLAT_MIB:.0f} MiB",
        at_most(FLAT_MIB, spread([grown])),
    )


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
