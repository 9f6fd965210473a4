"""What must have become of a run, from its parameters and the ledger alone. Pure: takes and returns values."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Evidence", "Violation", "examine", "left_by"]

Snapshot: TypeAlias = dict[str, Any]

ON_START, ON_FINISH = "on_start", "on_finish"
IN_DOUBT, NOT_SENT = "in-doubt", "not-sent"  # codes of items whose effects are outside
OUTSIDE = "tests.storm_outside"
UNTRIED = "tried-too-often"  # what was still to be tried again when the run was cancelled
CODES = {"reject": "rejected", "fail": "bad-value", "mend": "bad-value"}


@dataclass(frozen=True)
class Violation:
    """What is wrong, with which run, and where."""

    kind: str
    run: str
    what: str


@dataclass
class Evidence:
    """A run as the API tells it after its end, and its rows in the ledger."""

    run: Snapshot
    ledger: Counter[str]
    failed: dict[str, str] = field(default_factory=dict)  # item → code
    skipped: set[str] = field(default_factory=set)
    retried: "Evidence | None" = None

    @property
    def is_finished(self) -> bool:
        """Whether it came to its end by itself, so that every item must have ended."""
        reason = (self.run["reason"] or {}).get("code")
        return self.run["state"] in ("succeeded", "partial") or reason == "every-item-failed"

    @property
    def in_doubt(self) -> set[str]:
        """The items that may have an effect, or none: never more than one. Only of effects outside."""
        return {item for item, code in self.failed.items() if code == IN_DOUBT} if self.is_outside else set()

    @property
    def is_outside(self) -> bool:
        return bool(self.run["operation"] == OUTSIDE)

    @property
    def done(self) -> set[str]:
        """The items with an effect."""
        return set(self.ledger) - {ON_START, ON_FINISH}


def examine(evidence: Evidence) -> list[Violation]:
    """All that is wrong with a run that has ended."""
    run, of = evidence.run["id"], evidence.run["operation"]
    checks = (twice, strays, never, counters, hooks, ending)
    return [Violation(kind, run, f"{what} ({of})") for check in checks for kind, what in check(evidence)]


Found: TypeAlias = Iterator[tuple[str, str]]


def twice(evidence: Evidence) -> Found:
    if doubled := {item: count for item, count in evidence.ledger.items() if count > 1}:
        yield "twice", f"{len(doubled)} items more than once in the ledger: {some(doubled.items())}"


def strays(evidence: Evidence) -> Found:
    """Effects that no item of this run may have; failures that the parameters don't tell of."""
    expected = expected_of(evidence)
    if strange := evidence.done - expected["succeeded"].keys():
        yield "stray", f"{len(strange)} effects of items that fail, are skipped, or are not this run's: {some(strange)}"
    cut_short = (
        set() if evidence.is_finished else dict.fromkeys(numbers(evidence.run["params"]["again"]), UNTRIED).items()
    )
    doubted = dict.fromkeys(evidence.in_doubt, IN_DOUBT).items()
    left = set() if evidence.is_finished else dict.fromkeys(evidence.failed, NOT_SENT).items()
    if wrong := evidence.failed.items() - expected["failed"].items() - cut_short - doubted - left:
        yield "stray", f"{len(wrong)} failures without a reason: {some(wrong)}"
    if wrong := evidence.skipped - expected["skipped"].keys():
        yield "stray", f"{len(wrong)} items skipped without a reason: {some(wrong)}"


def never(evidence: Evidence) -> Found:
    if not evidence.is_finished:
        return
    expected = expected_of(evidence)
    if missing := expected["succeeded"].keys() - evidence.done - evidence.in_doubt:
        yield "never", f"{len(missing)} effects are not in the ledger: {some(missing)}"
    if missing := expected["failed"].keys() - evidence.failed.keys():
        yield "never", f"{len(missing)} items did not fail: {some(missing)}"
    if missing := expected["skipped"].keys() - evidence.skipped - evidence.in_doubt:
        yield "never", f"{len(missing)} items were not skipped: {some(missing)}"


def counters(evidence: Evidence) -> Found:
    told = evidence.run["progress"]
    real = {
        "succeeded": len(evidence.done - evidence.in_doubt),
        "failed": len(evidence.failed),
        "skipped": len(evidence.skipped),
    }
    real["processed"] = sum(real.values())
    if evidence.is_finished:
        real |= {"total": real["processed"], "percent": 100}
    for name, count in real.items():
        if told[name] != count:
            yield "counter", f"{name} is {told[name]}, and it is {count}"
    summary = {line["code"]: line["count"] for line in evidence.run["failure_summary"]}
    if summary != Counter(evidence.failed.values()):
        yield "counter", f"the failures' summary says {summary}, and it is {Counter(evidence.failed.values())}"


def hooks(evidence: Evidence) -> Found:
    """`on_start` with the plan, `on_finish` with the end; a cancel may come before either."""
    started, finished = evidence.ledger[ON_START], evidence.ledger[ON_FINISH]
    must_have_started = evidence.is_finished or evidence.run["progress"]["processed"] > 0
    if started != 1 and (started or must_have_started):
        yield "hook", f"{ON_START} is {started} times in the ledger"
    if finished != int(evidence.is_finished):
        yield "hook", f"{ON_FINISH} is {finished} times in the ledger of a run that is {evidence.run['state']}"


def ending(evidence: Evidence) -> Found:
    """The state that follows from what became of the items."""
    state, (good, bad) = evidence.run["state"], (len(evidence.done - evidence.in_doubt), len(evidence.failed))
    finished = "failed" if bad and not good else "partial" if bad else "succeeded"
    if state != "cancelled" and state != finished:
        yield "state", f"it ended as {state}, not as {finished}: {evidence.run['reason']}"


def expected_of(evidence: Evidence) -> dict[str, dict[str, str]]:
    """What is to become of each item that is this run's: by outcome, item → code."""
    params = evidence.run["params"]
    wrong = {kind: numbers(params[kind]) for kind in ("reject", "skip", "fail", "mend")}
    found: dict[str, dict[str, str]] = {"succeeded": {}, "failed": {}, "skipped": {}}
    doubted = evidence.retried.in_doubt if evidence.retried else set()
    for item in items_of(evidence):
        if item in doubted:
            found["failed"][item] = IN_DOUBT  # nobody has settled it, so nothing does it again
        elif item in wrong["reject"]:
            found["failed"][item] = CODES["reject"]
        elif item in wrong["skip"]:
            found["skipped"][item] = ""
        elif item in wrong["fail"] or (item in wrong["mend"] and evidence.retried is None):
            found["failed"][item] = CODES["fail"]
        else:
            found["succeeded"][item] = ""
    return found


def items_of(evidence: Evidence) -> set[str]:
    """All items of a first run; of a retry those that the run before it left."""
    if evidence.retried is None:
        return {str(number) for number in range(evidence.run["params"]["items"])}
    return left_by(evidence.retried)


def left_by(evidence: Evidence) -> set[str]:
    """The items that failed, and those that were never reached."""
    return items_of(evidence) - (evidence.done - evidence.in_doubt) - evidence.skipped


def numbers(text: str) -> set[str]:
    return {number for number in text.split(",") if number}


def some(things: object) -> str:
    """A few of them, to be shown."""
    listed = sorted(things, key=str)  # type: ignore[call-overload]
    return ", ".join(map(str, listed[:5])) + (" …" if len(listed) > 5 else "")
