"""An import as it is painted in a browser, from its start to its end: every number and sentence beside the rows.

RECORDED_ROWS: how many rows the import has; few without it, with `all` the whole file, and then the figures of the time
left are printed (pytest -s).
"""

import os
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.db.models import Sum

from example.airports.operations import BUNDLED
from headway.models import Part, Run
from tests.files import first_rows
from tests.workers import Workers

from .test_pictures import begin_import
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

LATE = 5.0  # s by which a painting may lag behind the rows on a busy machine; half a second is promised on an idle one
WINDOW = 20.0  # s that a speed covers
RECORD = """() => {
  window.painted = [];
  const panel = document.querySelector(".hw-run");
  const text = (where) => panel.querySelector(where)?.innerText.replace(/\\s+/g, " ").trim() ?? "";
  let before = "";
  const look = () => {
    const seen = { face: panel.dataset.face };
    for (const part of ["word", "say", "line", "foot", "fourth", "aside"]) seen[part] = text(`[data-part="${part}"]`);
    for (const count of ["succeeded", "failed", "skipped"]) seen[count] = text(`[data-count="${count}"]`);
    const now = JSON.stringify(seen);
    if (now !== before) window.painted.push({ at: Date.now() / 1000, ...seen });
    before = now;
  };
  new MutationObserver(() => requestAnimationFrame(look)).observe(panel, {
    subtree: true, childList: true, characterData: true, attributes: true });
  look();
}"""
ALLOWED = {
    "queued": {"queued"},
    "no-worker": {"queued"},
    "counting": {"running"},
    "running": {"running"},
    "finishing": {"running"},
    "partial": {"partial"},
}
"""In which states of the row each face tells the truth."""


@dataclass(frozen=True)
class Rows:
    """What stood in the tables at a moment."""

    at: float
    state: str
    succeeded: int
    failed: int
    skipped: int
    total: int | None

    @property
    def processed(self) -> int:
        return self.succeeded + self.failed + self.skipped


def rows_now(run: Run) -> Rows:
    found = Run.objects.values("state", "total").get(pk=run.pk)
    counts = Part.objects.filter(run=run).aggregate(s=Sum("succeeded"), f=Sum("failed"), k=Sum("skipped"))
    return Rows(time.time(), found["state"], counts["s"], counts["f"], counts["k"], found["total"])


@pytest.mark.alone  # what is painted is compared with the rows at that moment
def test_whatever_is_painted_during_an_import_is_true_at_that_moment(
    visitor: Visitor, demo: Any, workers: Workers, tmp_path: Path
) -> None:
    wanted = os.environ.get("RECORDED_ROWS", "700")
    run = begin_import(demo, BUNDLED if wanted == "all" else first_rows(tmp_path, int(wanted)))
    known = [rows_now(run)]
    visitor.open(run)
    visitor.page.evaluate(RECORD)
    workers.start()

    while known[-1].state in ("queued", "running"):
        visitor.page.wait_for_timeout(50)
        known.append(rows_now(run))
    visitor.sees("partial")
    painted = visitor.page.evaluate("window.painted")

    assert len(painted) > 3
    run.refresh_from_db()
    for seen in painted:
        is_true(seen, known, run)
    told = [(seen["at"], left) for seen in painted if (left := seconds_left(seen["foot"])) is not None]
    if wanted == "all":
        say(told, known[-1].at)


def is_true(seen: dict[str, Any], known: list[Rows], run: Run) -> None:
    """Of one painting: each figure is one that the rows had a moment ago, and what is derived from it follows."""
    then = around(seen["at"], known)
    assert {rows.state for rows in then} & ALLOWED[seen["face"]], seen
    first, last = then[0], then[-1]
    counts = {name: number(seen[name]) for name in ("succeeded", "failed", "skipped")}
    for name, count in counts.items():
        assert getattr(first, name) <= count <= getattr(last, name), (seen, name)
    line = re.match(r"([\d,]+) (?:of ([\d,]+)|so far)", seen["line"])
    assert line, seen
    processed = number(line[1])
    assert processed == sum(counts.values()), seen
    if line[2]:
        assert number(line[2]) == last.total, seen
        exact = processed * 100 // number(line[2])
        shown = 100 if seen["face"] == "partial" else min(99, exact)
        assert f"{shown}%" in seen["line"], seen
    speed_is_true(seen, known)
    since = re.search(r"Running for (?:(\d+) minutes? ?)?(?:(\d+) seconds?)?", seen["foot"])
    if since and run.started_at:
        exact_s = seen["at"] - run.started_at.timestamp()
        assert abs(int(since[1] or 0) * 60 + int(since[2] or 0) - exact_s) < LATE, seen
    if "failed so far" in seen["aside"] or "(CSV)" in seen["aside"]:
        assert f"{counts['failed']:,}" in seen["aside"]


def around(at: float, known: list[Rows]) -> list[Rows]:
    """The rows that a painting may show: from so late before it to the first that were read after it."""
    before = [rows for rows in known if rows.at < at - LATE][-1:]
    during = [rows for rows in known if at - LATE <= rows.at < at]
    after = [rows for rows in known if rows.at >= at][:1]
    return before + during + after


def speed_is_true(seen: dict[str, Any], known: list[Rows]) -> None:
    """A painted speed is between the least and the most that the last 20 s can have been when it was made."""
    found = re.search(r"([\d.,]+) a second", seen["fourth"])
    if not found or seen["face"] == "partial":
        return
    began = next(rows.at for rows in known if rows.state != "queued")
    rates = []
    for until in around(seen["at"], known):
        since = max((rows for rows in known if rows.at <= max(began, until.at - WINDOW)), key=lambda rows: rows.at)
        if until.at > since.at + 0.5:
            rates.append((until.processed - since.processed) / (until.at - since.at))
    if rates and seen["at"] - began > 2 * LATE:
        assert min(rates) * 0.6 - 1 <= float(found[1].replace(",", "")) <= max(rates) * 1.6 + 1, (seen, rates)


def seconds_left(foot: str) -> int | None:
    found = re.search(r"About (\d+) (second|minute|hour)s? left", foot)
    return int(found[1]) * {"second": 1, "minute": 60, "hour": 3600}[found[2]] if found else None


def number(text: str) -> int:
    return int(text.replace(",", ""))


def say(told: list[tuple[float, int]], end: float) -> None:
    """How steady the time left was, and how far off."""
    texts = [told[0]] + [after for before, after in pairwise(told) if before[1] != after[1]]
    upwards = sum(after[1] > before[1] for before, after in pairwise(texts))
    errors = [abs(left - (end - at)) / (end - at) for at, left in told if end - at > 1]
    print(f"time left: {len(texts)} texts, {upwards} upwards, median error {median(errors):.0%}")
    assert len(texts) < 112
    assert upwards < 42
