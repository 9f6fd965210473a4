"""The example's import, as a whole: real rows, of which a sixth are refused."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import IntegrityError, transaction

from benchmarks.drive import drive, forget_runs
from benchmarks.interleave import Sample, Stopwatch, interleave, median_wall, ratios
from benchmarks.settings import SCRATCH
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds, spell_times
from example.airports.models import Airport
from example.airports.operations import BUNDLED, ImportAirports
from headway import Reject, sources
from headway.operations.context import Context

__all__ = ["airports", "beginning", "import_file"]

AT_ONCE = 100  # rows in a transaction


def airports(size: Size) -> Iterator[Figure]:
    """Against a loop over the same source with 100 rows a transaction, which passes over what it refuses."""
    path = beginning(size.airports)
    run = partial(import_file, ImportAirports.name, path)
    samples = interleave(size.rounds // 4 or 1, {"loop": lambda: loop(path), "headway": run})
    forget_runs()
    Airport.objects.all().delete()
    yield Figure(
        f"airports' import, {size.airports:,} rows",
        f"{spell_seconds(median_wall(samples['headway']) / size.airports)} a row",
        f"100 a transaction {spell_seconds(median_wall(samples['loop']) / size.airports)}",
        f"rate {spell_times(ratios(samples['loop'], samples['headway']))}",
    )


def beginning(rows: int) -> Path:
    """A file with so many of the bundled rows."""
    path = SCRATCH / "airports.csv"
    with BUNDLED.open("rb") as whole:
        path.write_bytes(b"".join(islice(whole, rows + 1)))
    return path


def import_file(operation: str, path: Path) -> Sample:
    """Into an empty table."""
    Airport.objects.all().delete()
    with path.open("rb") as file:
        return drive(operation, {"file": File(file, name=path.name)})


def loop(path: Path) -> Sample:
    Airport.objects.all().delete()
    process: Callable[[Any], None] = ImportAirports(Context()).process
    source = sources.csv(path)
    with Stopwatch() as watch:
        rows = (row for _cursor, _key, row in source.read(source.freeze(), None))
        while chunk := list(islice(rows, AT_ONCE)):
            with transaction.atomic():
                for row in chunk:
                    with suppress(Reject, IntegrityError):  # update_or_create has a savepoint of its own
                        process(row)
    return watch.sample
