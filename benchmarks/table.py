"""A figure beside its reference and its goal, and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from .interleave import Spread

__all__ = [
    "Figure",
    "at_least",
    "at_most",
    "print_table",
    "spell_percent",
    "spell_seconds",
    "spell_times",
]

COLUMNS = ("what", "figure", "reference", "ratio (quartiles)", "goal", "")
OK, MISSED, UNCLEAR = "ok", "missed", "unclear"


@dataclass(frozen=True)
class Figure:
    """What was measured. Without a goal on this database, `goal` and `verdict` are empty."""

    what: str
    figure: str = ""
    reference: str = ""
    ratio: str = ""
    goal: str = ""
    verdict: str = ""


def at_most(limit: float, measured: Spread) -> str:
    """Whether the goal is reached; unclear where it lies between the quartiles: the next run may say otherwise."""
    return OK if measured.high <= limit else MISSED if measured.low > limit else UNCLEAR


def at_least(limit: float, measured: Spread) -> str:
    """The same the other way round."""
    return OK if measured.low >= limit else MISSED if measured.high < limit else UNCLEAR


def print_table(title: str, figures: Sequence[Figure], *, judged: bool) -> None:
    """A table in Markdown, its columns aligned so that it can be read as it is."""
    rows = [
        COLUMNS,
        *((f.what, f.figure, f.reference, f.ratio, f.goal, f.verdict if judged else "") for f in figures),
    ]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(COLUMNS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * width for width in widths))
    print(f"\n{title}\n", *(f"| {line} |" for line in lines), sep="\n", flush=True)


def spell_seconds(seconds: float) -> str:
    """In the unit that suits it, with three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if abs(seconds) * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def spell_percent(share: Spread) -> str:
    """A share that comes on top, such as +3.1 % (2.8 to 3.9)."""
    return f"{share.median:+.1%} ({share.low:.1%} to {share.high:.1%})".replace("%", " %")


def spell_times(ratio: Spread) -> str:
    """A multiple, such as 1.92 × (1.88 to 1.95)."""
    return f"{ratio.median:.2f} × ({ratio.low:.2f} to {ratio.high:.2f})"
