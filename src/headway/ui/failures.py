"""What failed in a run, and why: each reason with an example, and the items page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headway import runs
from headway.models import ItemOutcome
from headway.panel import words

__all__ = ["Failures", "Reason", "failures_of", "reasons_of"]

PAGE = 25
LOOKED_AT = 10_000  # failed items; a reason that came later than that is told by its code alone


@dataclass(frozen=True)
class Reason:
    """A code, how often it came, and the first item that it came for."""

    code: str
    count: int
    share: float
    """Of all that failed, in percent."""
    text: str
    example: str

    @property
    def said(self) -> str:
        """The count in words."""
        return words.number(self.count)


@dataclass(frozen=True)
class Failures:
    """A page of failed items, in the order in which they failed."""

    items: list[ItemOutcome]
    code: str
    """Only those with this code; "" for all."""
    after: int
    next: int | None
    """What the next page comes after."""


def reasons_of(run: Mapping[str, Any]) -> list[Reason]:
    """The reasons in this snapshot, the most frequent first. Two statements, and none where nothing failed."""
    summary = run["failure_summary"]
    if not summary:
        return []
    examples = examples_of(UUID(run["id"]))
    total = sum(entry["count"] for entry in summary)
    return [
        Reason(
            code=entry["code"],
            count=entry["count"],
            share=round(entry["count"] * 100 / total, 1),
            text=example.text if example else "",
            example=example.label if example else "",
        )
        for entry in summary
        for example in [examples.get(entry["code"])]
    ]


def examples_of(run_id: UUID) -> dict[str, ItemOutcome]:
    """The first item of each code, among the first that failed: never read for all of a million."""
    first: dict[str, int] = {}
    for code, item in runs.outcomes(run_id).values_list("code", "id")[:LOOKED_AT]:
        first.setdefault(code, item)
    return {item.code: item for item in ItemOutcome.objects.filter(id__in=first.values())}


def failures_of(run_id: UUID, *, code: str = "", after: int = 0) -> Failures:
    """A page of them."""
    found = list(runs.outcomes(run_id, code=code, after=after)[: PAGE + 1])
    more = len(found) > PAGE
    return Failures(found[:PAGE], code, after, found[PAGE - 1].pk if more else None)
