"""What failed in a run, and why: each reason with an example, and the items page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Min

from headway.models import ItemOutcome, ItemState
from headway.panel import words

__all__ = ["Failures", "Reason", "failures_of", "reasons_of"]

PAGE = 25


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
    """The reasons in this snapshot, the most frequent first. One statement, and none where nothing failed."""
    summary = run["failure_summary"]
    if not summary:
        return []
    failed = failed_items(UUID(run["id"])).order_by()
    first = failed.values("code").annotate(first=Min("id")).values("first")
    examples = {item.code: item for item in ItemOutcome.objects.filter(id__in=first)}
    total = sum(entry["count"] for entry in summary)
    return [
        Reason(
            code=entry["code"],
            count=entry["count"],
            share=round(entry["count"] * 100 / total, 1),
            text=examples[entry["code"]].text,
            example=examples[entry["code"]].label,
        )
        for entry in summary
        if entry["code"] in examples
    ]


def failures_of(run_id: UUID, *, code: str = "", after: int = 0) -> Failures:
    """A page of them: by keyset, so that the last page costs what the first does."""
    wanted = failed_items(run_id).filter(id__gt=after)
    found = list((wanted.filter(code=code) if code else wanted).order_by("id")[: PAGE + 1])
    more = len(found) > PAGE
    return Failures(found[:PAGE], code, after, found[PAGE - 1].pk if more else None)


def failed_items(run_id: UUID) -> Any:
    return ItemOutcome.objects.filter(run_id=run_id, state=ItemState.FAILED)
