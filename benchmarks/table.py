"""A figure beside its reference and its goal, and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "print_table", "spell_seconds"]

COLUMNS = ("what", "figure", "reference", "ratio", "goal", "")


@dataclass(frozen=True)
class Figure:
    """What was measured. `met` is None where there is no goal on this database."""

    what: str
    figure: str
    reference: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None

    def cells(self, *, judged: bool) -> tuple[str, ...]:
        verdict = {None: "", True: "ok", False: "missed"}[self.met if judged else None]
        return self.what, self.figure, self.reference, self.ratio, self.goal, verdict


def print_table(title: str, figures: Sequence[Figure], *, judged: bool) -> None:
    """A table in Markdown, its columns aligned so that it can be read as it is."""
    rows = [COLUMNS, *(figure.cells(judged=judged) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * max(3, width) for width in widths))
    print(f"\n{title}\n", *(f"| {line} |" for line in lines), sep="\n", flush=True)


def spell_seconds(seconds: float) -> str:
    """In the unit that suits it, with three digits that mean something."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
