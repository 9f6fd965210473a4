"""What failed in a run, and why: each reason with an example, and the items page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headway import runs
from headway.models import ItemOutcome
from headway.panel import words
from headway.store.parts.outcomes import examples

PAGE = 25


@dataclass(frozen=True)
class Reason:
    """A code, how often it came, and the first item that it came for."""

    code: str
    count: int
    share: float
    """Of all that failed, in percent."""
    example: ItemOutcome | None
    """None where it stands far behind."""

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
    """The reasons in this snapshot, the most frequent first, each with its example where one is found (`examples`)."""
    summary = run["failure_summary"]
    found = examples(UUID(run["id"])) if summary else {}
    total = sum(each["count"] for each in summary)
    return [
        Reason(each["code"], each["count"], round(each["count"] * 100 / total, 1), found.get(each["code"]))
        for each in summary
    ]


def failures_of(run_id: UUID, *, code: str = "", after: int = 0) -> Failures:
    """A page of them."""
    found = list(runs.outcomes(run_id, code=code, after=after)[: PAGE + 1])
    more = len(found) > PAGE
    return Failures(found[:PAGE], code, after, found[PAGE - 1].pk if more else None)
