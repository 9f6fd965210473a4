"""What a watcher saw of a run, one look after the other: nothing of it may ever run backwards. Pure."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .expected import Violation

__all__ = ["Watched"]

Snapshot: TypeAlias = dict[str, Any]

COUNTS = ("processed", "succeeded", "failed", "skipped")
LASTING = ("state", "done", "progress", "resumes", "finished_at", "revision", "failure_summary")


@dataclass
class Watched:
    """A run, look by look."""

    last: Snapshot
    looks: int = 1
    rows_at_end: int | None = None
    """How many rows it had in the ledger after the API had said that it is over: more may never come."""
    reasons: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look_alone(self.last)

    def look(self, now: Snapshot) -> None:
        """Compare a later look with the one before."""
        before, self.last = self.last, now
        self.looks += 1
        self.look_alone(now)
        if before["done"]:
            for name in LASTING:
                if name == "revision" and now["retried_by"] != before["retried_by"]:
                    continue  # it names its retry now
                if now[name] != before[name]:
                    self.add("after-end", f"{name} was {before[name]!r} at its end, and became {now[name]!r}")
            return
        for name in ("revision", "resumes"):
            if now[name] < before[name]:
                self.add("backwards", f"{name} fell from {before[name]} to {now[name]}")
        for name in COUNTS:
            if now["progress"][name] < before["progress"][name]:
                self.add("backwards", f"{name} fell from {before['progress'][name]} to {now['progress'][name]}")
        if (now["progress"]["total"] or 0) < (before["progress"]["total"] or 0):
            self.add("backwards", f"total fell from {before['progress']['total']} to {now['progress']['total']}")
        if before["state"] == "cancelling" and now["state"] not in ("cancelling", "cancelled"):
            self.add("after-cancel", f"an accepted cancel was overtaken by {now['state']}")

    def look_alone(self, now: Snapshot) -> None:
        """What must be so at every moment."""
        told = now["progress"]
        if told["processed"] != told["succeeded"] + told["failed"] + told["skipped"]:
            self.add("counter", f"the counts don't add up: {told}")
        if told["percent"] == 100 and not now["done"]:
            self.add("counter", f"100 % while {now['state']}")
        if told["total"] is not None and told["processed"] > told["total"]:
            self.add("counter", f"{told['processed']} of {told['total']} processed")
        if now["reason"] and now["state"] != "queued":
            self.reasons.add(now["reason"]["code"])
            if now["reason"]["code"] == "operation-error":  # the operations have no faults of their own
                self.add("reason", f"{now['state']}: {now['reason']}")

    def add(self, kind: str, what: str) -> None:
        violation = Violation(kind, self.last["id"], what)
        if violation not in self.violations:
            self.violations.append(violation)
