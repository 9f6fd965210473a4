"""One UPDATE for each item, against the two loops that people write."""

from collections.abc import Iterator
from itertools import islice

from django.db import connection, transaction

from benchmarks.drive import drive
from benchmarks.interleave import Sample, Stopwatch, interleave, median_wall, ratios
from benchmarks.models import Row
from benchmarks.operations import update
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_least, spell_seconds, spell_times
from headway import sources

__all__ = ["fill", "rows", "updates"]

AT_ONCE = 100  # rows in a transaction


def updates(size: Size) -> Iterator[Figure]:
    """On PostgreSQL at least 1.9 times the loop with autocommit, and 95 % of the one with 100 a transaction.

    All three get their rows from the same source and run the same statement.
    """
    fill(size.rows)
    samples = interleave(
        size.update_rounds,
        {"autocommit": autocommit, "transactions": transactions, "headway": lambda: drive("benchmarks.update_rows")},
    )
    Row.objects.all().delete()
    judged = connection.vendor == "postgresql"
    each = spell_seconds(median_wall(samples["headway"]) / size.rows)
    for reference, label, goal in (("autocommit", "autocommit", 1.9), ("transactions", "100 a transaction", 0.95)):
        rate = ratios(samples[reference], samples["headway"])
        yield Figure(
            f"one UPDATE, {size.rows:,} items",
            f"{each} an item",
            f"{label} {spell_seconds(median_wall(samples[reference]) / size.rows)}",
            f"rate {spell_times(rate)}",
            f"≥ {goal:.2f} ×" if judged else "",
            at_least(goal, rate) if judged else "",
        )


def fill(count: int) -> None:
    """So many rows, and what the planner needs to know of them: by itself PostgreSQL would learn it within a minute."""
    Row.objects.bulk_create((Row() for _ in range(count)), batch_size=10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def rows() -> Iterator[Row]:
    """As a run reads them."""
    source = sources.queryset(Row.objects.all())
    return (row for _cursor, _key, row in source.read(source.freeze(), None))


def autocommit() -> Sample:
    with Stopwatch() as watch:
        for row in rows():
            update(row)
    return watch.sample


def transactions() -> Sample:
    with Stopwatch() as watch:
        left = rows()
        while chunk := list(islice(left, AT_ONCE)):
            with transaction.atomic():
                for row in chunk:
                    update(row)
    return watch.sample
