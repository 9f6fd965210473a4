"""Many rows by one statement, against one statement for each."""

from collections.abc import Iterator
from itertools import islice

from benchmarks.drive import drive, forget_runs
from benchmarks.interleave import Sample, Stopwatch, interleave, median_wall, ratios
from benchmarks.models import Row
from benchmarks.operations import update
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_least, spell_seconds, spell_times
from example.airports.models import Airport
from example.airports.operations import ImportAirports, ImportAirportsInSets

from .airports import beginning, import_file
from .updates import fill, rows

__all__ = ["sets"]

UPDATE_GOAL, IMPORT_GOAL = 50, 5


def sets(size: Size) -> Iterator[Figure]:
    """An UPDATE a chunk: 50 times as fast as the loop with autocommit; the import in sets: 5 times that row by row."""
    yield updates_in_sets(size)
    yield imports(size)


def updates_in_sets(size: Size) -> Figure:
    """Both by what a row takes, since a run needs more rows than a loop to come to its pace."""
    fill(size.set_rows)
    samples = interleave(
        size.rounds,
        {
            "loop": lambda: each(autocommit(size.rows), size.rows),
            "sets": lambda: each(drive("benchmarks.update_in_sets"), size.set_rows),
        },
    )
    Row.objects.all().delete()
    what = f"one UPDATE a chunk, {size.set_rows:,} rows"
    return compared(what, "autocommit", samples["loop"], samples["sets"], UPDATE_GOAL)


def autocommit(count: int) -> Sample:
    with Stopwatch() as watch:
        for row in islice(rows(), count):
            update(row)
    return watch.sample


def imports(size: Size) -> Figure:
    path = beginning(size.airports)
    samples = interleave(
        size.rounds // 4 or 1,
        {
            "row by row": lambda: each(import_file(ImportAirports.name, path), size.airports),
            "sets": lambda: each(import_file(ImportAirportsInSets.name, path), size.airports),
        },
    )
    forget_runs()
    Airport.objects.all().delete()
    what = f"airports' import in sets, {size.airports:,} rows"
    return compared(what, "row by row", samples["row by row"], samples["sets"], IMPORT_GOAL)


def each(whole: Sample, count: int) -> Sample:
    """What a row has taken."""
    return Sample(whole.wall / count, whole.cpu / count)


def compared(what: str, label: str, reference: list[Sample], measured: list[Sample], goal: int) -> Figure:
    rate = ratios(reference, measured)
    return Figure(
        what,
        f"{spell_seconds(median_wall(measured))} a row",
        f"{label} {spell_seconds(median_wall(reference))}",
        f"rate {spell_times(rate)}",
        f"≥ {goal} ×",
        at_least(goal, rate),
    )
