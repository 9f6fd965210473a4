"""What failed in a run, and why: each reason with an example, and the items page by page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headway.panel import words
from headway.store.parts.outcomes import examples, outcomes

PAGE = 25


def reasons_of(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The reasons in this snapshot, the most frequent first.

    `code`; how often it came as `count`, the same in words as `said`, and as a `share` of all that failed, in percent;
    the `example`: the first item that it came for, None where that stands far behind (`examples`).
    """
    summary = run["failure_summary"]
    found = examples(UUID(run["id"])) if summary else {}
    total = sum(each["count"] for each in summary)
    return [
        each
        | {
            "said": words.number(each["count"]),
            "share": round(each["count"] * 100 / total, 1),
            "example": found.get(each["code"]),
        }
        for each in summary
    ]


def failures_of(run_id: UUID, *, code: str = "", after: int = 0) -> dict[str, Any]:
    """A page of failed items, in the order in which they failed: of all, or of those with this code. `next`: what the
    next page comes after, None where this is the last."""
    found = list(outcomes(run_id, code=code, after=after)[: PAGE + 1])
    following = found[PAGE - 1].pk if len(found) > PAGE else None
    return {"items": found[:PAGE], "code": code, "after": after, "next": following}
