"""Each face says the same whether the server or the browser has rendered it, and asks the database nothing."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway.panel import words
from headway.panel.values import values

from .gallery import CSP, FACED, NEXT, STEP, STEPS, faced, page_of
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SEEN = """() => [...document.querySelectorAll('.hw-run')].map((panel) => {
  const bar = panel.querySelector('.hw-bar');
  const said = ['role', 'aria-label', 'aria-valuetext', 'aria-valuenow', 'aria-valuemax', 'data-bar'];
  return {
    face: panel.dataset.face,
    needs: panel.dataset.needs,
    text: panel.innerText.split('\\n').filter(Boolean),
    icon: panel.querySelector('use').getAttribute('href'),
    bar: said.map((name) => bar.getAttribute(name)),
    widths: [...bar.querySelectorAll('rect')].map((rect) => Number.parseFloat(rect.getAttribute('width'))),
    figures: [...panel.querySelectorAll('dd')].map((place) => place.className),
    empty: ['word', 'say', 'line', 'foot', 'fourth', 'spoken']
      .filter((part) => !panel.querySelector(`[data-part=${part}]`).innerText.trim()),
  };
})"""


HALVES = {"total": 200, "processed": 200, "succeeded": 0, "failed": 17, "skipped": 183, "percent": 100.0, "rate": None}
"""8.5 % and 91.5 %."""
DOUBT = [{"code": "in-doubt", "count": 9}, {"code": "went-out", "count": 6}, {"code": "error", "count": 2}]
ENDED = ("partial", "none-succeeded", "all-failed", "failed", "cancelled")
NONE_LEFT = {"total": 60, "processed": 60, "succeeded": 0, "failed": 60, "percent": 100.0, "rate": None}
"""Every item has failed, and then something else went wrong."""


EARLIER = "0198f3c2-0000-4000-8000-00000000000e"
SINGLE = {"total": 1, "processed": 1, "succeeded": 1}


def still(text: str) -> str:
    """Without what the clock has moved meanwhile."""
    return re.sub(r"(?:\d+ (?:second|minute|hour)s?\b ?)+", "…", text)  # "49 minutes" has no second unit


def seen(visitor: Visitor) -> Any:
    return json.loads(still(json.dumps(visitor.page.evaluate(SEEN), ensure_ascii=False)))


def look(visitor: Visitor, html: str) -> Any:
    visitor.page.route("**/gallery/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    visitor.open("/gallery/")
    visitor.page.unroute("**/gallery/")
    return seen(visitor)


def test_the_browser_says_what_the_server_said(visit: Callable[..., Visitor]) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%dT%H:00}"
    # Each panel is rendered by the server as another face first, so that the browser has to change all of it.
    wanted = [
        *(faced(name, today) for name in FACED),
        faced("step", today, id="silent", progress=STEPS | {"step": STEP | NEXT | {"under_way": True}}),
        faced("failed", today, id="another", progress=NONE_LEFT),
        faced("partial", today, id="retried", retried_by="0198f3c2-0000-4000-8000-00000000000f", actions=[]),
        *(faced(name, today, id=f"retry {name}", retry_of=EARLIER) for name in ("running", *ENDED)),
        faced("succeeded", today, id="single", progress=SINGLE),
        *(faced(name, today, id=f"steps {name}", progress=STEPS | {"step": STEP | NEXT}) for name in STEPPED),
        faced("step", today, id="alone", progress=STEPS | {"step": STEP | ALONE}),
        *(faced(name, today, id=f"doubt {name}", progress=HALVES, failure_summary=DOUBT) for name in ENDED),
        *(faced(name, today, id=f"no file {name}", params={}) for name in ENDED),
        faced("partial", today, id="halves", progress=HALVES),
        faced("cancelled", today, id="third", progress=NONE_LEFT | {"succeeded": 60, "failed": 0}, actions=[]),
    ]
    by_server = look(visit(java_script_enabled=False), page_of(*wanted))
    others = [wanted[-1], *wanted[:-1]]
    html = page_of(*[other | {"id": run["id"]} for other, run in zip(others, wanted, strict=True)])
    visitor = visit()
    look(visitor, html)

    for place, run in enumerate(wanted):
        visitor.page.evaluate(
            """([place, run]) => {
              const panel = document.querySelectorAll('headway-run')[place];
              const before = panel.nextSibling;
              panel.remove();
              panel.dataset.run = JSON.stringify(run);
              before.before(panel); // connected anew
            }""",
            [place, run],
        )

    assert seen(visitor) == by_server
    silent = {run["face"]: run["empty"] for run in by_server if run["empty"]}
    assert silent == {
        "failed": ["spoken"],
        "all-failed": ["spoken"],
        "none-succeeded": ["spoken"],
    }  # their sentences are alerts, and speak


STEPPED = ("stalled", "unattended", "paused", "pausing", "cancelling", "held", "cancelled", "succeeded", "queued")
ALONE = {"number": 1, "of": 1, "title": "Rebuild the index"}


def said_of_step(visitor: Visitor, name: str) -> str:
    (panel,) = look(visitor, page_of(faced(name, progress=STEPS | {"step": STEP | NEXT})))
    return " ".join(panel["text"])


def test_where_a_step_was_cut_off_it_says_that_it_begins_anew(visitor: Visitor) -> None:
    assert "It begins “Convert” anew; the steps before it are done." in said_of_step(visitor, "stalled")
    assert "nothing is done twice" not in said_of_step(visitor, "stalled")
    assert "begins “Convert” anew when it is resumed" in said_of_step(visitor, "paused")
    assert "“Convert” is told to end." in said_of_step(visitor, "pausing")


def test_a_step_has_a_bar_of_its_own_with_its_name(visitor: Visitor) -> None:
    (panel,) = look(visitor, page_of(faced("step")))

    said = " ".join(panel["text"])
    assert "Convert, step 2 of 3." in said
    assert "1,234 of 5,000 24%" in said
    assert (panel["widths"][0], panel["bar"][3]) == (24.6, "24.6")


DRY = "Dry run: nothing is changed."
LASTING = re.compile("succeeded stays|What is done stays, whether")


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_dry_run_says_so_in_every_state(visit: Callable[..., Visitor], java_script_enabled: bool) -> None:
    visitor = visit(java_script_enabled=java_script_enabled)
    tried = look(visitor, page_of(*(faced(name, dry_run=True) for name in FACED)))
    real = look(visitor, page_of(*(faced(name) for name in FACED)))

    assert [DRY in panel["text"] for panel in tried] == [True] * len(FACED)
    assert not any(LASTING.search(" ".join(panel["text"])) for panel in tried)
    assert not any(DRY in panel["text"] for panel in real)
    assert sum(bool(LASTING.search(" ".join(panel["text"]))) for panel in real) == 3


@pytest.mark.parametrize("left", [0, 8])
def test_what_is_in_doubt_is_nothing_that_a_retry_takes_up(visitor: Visitor, left: int) -> None:
    doubt = [{"code": "in-doubt", "count": 60}]
    progress = NONE_LEFT | {"total": 60 + left}
    (panel,) = look(visitor, page_of(faced("failed", progress=progress, failure_summary=doubt)))

    said = " ".join(panel["text"])
    assert "In doubt: 60. Say whether they went out before you retry" in said
    assert "takes up those that failed" not in said
    assert "Retry 60" not in said
    assert ("Retry the other 8" in said, "Retry takes up those that were not reached." in said) == (left > 0, left > 0)


def test_a_run_that_failed_with_all_its_items_offers_just_those(visitor: Visitor) -> None:
    panels = look(visitor, page_of(faced("failed", progress=NONE_LEFT)))

    said = " ".join(panels[0]["text"])
    assert "Nothing has succeeded. Retry takes up those that failed." in said
    assert "Retry 60 failed" in said
    assert "What succeeded stays" not in said
    assert "the other" not in said


def test_a_retry_says_so_and_that_its_file_has_only_what_it_did(visitor: Visitor) -> None:
    finished, running, first = look(
        visitor,
        page_of(
            faced("succeeded", retry_of=EARLIER), faced("running", retry_of=EARLIER), faced("succeeded", id="first")
        ),
    )

    told = "It retries run 0198f3c2"
    assert [told in " ".join(panel["text"]) for panel in (finished, running, first)] == [True, True, False]
    only = "Its file has only what this run did."
    assert [only in " ".join(panel["text"]) for panel in (finished, running, first)] == [True, False, False]


def test_a_single_item_is_not_told_as_many(visitor: Visitor) -> None:
    failed, gone = SINGLE | {"succeeded": 0, "failed": 1}, [{"code": "went-out", "count": 1}]
    single, many, lost, again = look(
        visitor,
        page_of(
            faced("succeeded", progress=SINGLE),
            faced("succeeded", id="many"),
            faced("all-failed", progress=failed, failure_summary=gone),
            faced("retrying", progress={"retrying": 1}),
        ),
    )

    assert "It is done." in " ".join(single["text"])
    assert "All 28,298 are done." in " ".join(many["text"])
    assert "1 failed, of 1" in lost["bar"]
    assert "Gone out after all: 1. No retry does that again." in " ".join(lost["text"])
    assert "Waiting to be tried again: 1. Each counts as done when it has succeeded" in " ".join(again["text"])


@pytest.mark.parametrize("name", ["failed", "cancelled"])
def test_a_run_that_left_nothing_speaks_of_no_retry(visitor: Visitor, name: str) -> None:
    run = faced(name, progress=NONE_LEFT | {"succeeded": 60, "failed": 0}, actions=[])
    by_server = look(visitor, page_of(run))
    assert "etry" not in " ".join(by_server[0]["text"])


def test_what_failed_or_is_in_doubt_is_not_told_as_done_by_a_cancel(visitor: Visitor) -> None:
    progress = {"total": 100, "processed": 48, "succeeded": 40, "failed": 8}
    doubt = [{"code": "in-doubt", "count": 8}]
    running, cancelled = (faced(name, progress=progress, failure_summary=doubt) for name in ("running", "cancelled"))
    asked = plain(page_of(running))

    assert "What has succeeded stays: 40. Not reached yet: 52. They are left as they are; you can take them up" in asked
    (panel,) = look(visitor, page_of(cancelled))
    assert "Cancelled by demo. What succeeded stays: 40. Left as they are: 52." in " ".join(panel["text"])


def plain(html: str) -> str:
    """Its words, hidden ones as well."""
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


def test_a_total_that_is_counted_only_now_is_not_known_so_far(visitor: Visitor) -> None:
    (panel,) = look(visitor, page_of(faced("counting")))

    said = " ".join(panel["text"])
    assert "How much there is in all is not known so far; the work is under way." in said
    assert "Total not known so far" in said


@pytest.mark.parametrize("name", ["partial", "none-succeeded", "all-failed"])
def test_of_an_uploaded_file_a_corrected_one_is_a_new_start(visitor: Visitor, name: str) -> None:
    uploaded, other = look(visitor, page_of(faced(name), faced(name, id="another", params={"file": "airports.csv"})))

    told = "It reads the file as it was uploaded: if the file is wrong, start again with a corrected one."
    mend = "Mend what is wrong in the data or in the rules, then retry: that does what failed, and nothing else."
    assert [[each in " ".join(panel["text"]) for each in (told, mend)] for panel in (uploaded, other)] == [
        [True, False],
        [False, True],
    ]


IN_THE_BROWSER = """async ([run, now]) => {
  const { values } = await import("/static/headway/values.js");
  const { Words } = await import("/static/headway/words.js");
  return values(run, new Date(now), new Words("en"));
}"""


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("done", "done"), (2.0, "2"), (2.5, "2.5"), (12_345, "12,345"), (True, ""), (None, ""), ([1], ""),
        ({"rows": 3, "share": 2.0}, "rows: 3, share: 2"), ({"ok": True, "rows": 3}, ""), ({"more": {"rows": 3}}, ""),
    ],
)  # fmt: skip
def test_a_result_is_one_line_by_server_and_browser_alike(visitor: Visitor, result: Any, text: str) -> None:
    run, now = faced("succeeded", result=result), datetime.now(UTC)
    visitor.open("/")

    by_browser = visitor.page.evaluate(IN_THE_BROWSER, [run, now.isoformat()])

    assert (values(run, now)["result"], by_browser["result"]) == (text, text)


def test_pauses_are_left_out_of_times_and_speed_by_server_and_browser_alike(visitor: Visitor) -> None:
    now = datetime.now(UTC)
    times = {"started_at": (now - timedelta(minutes=9)).isoformat(), "finished_at": now.isoformat()}
    run = faced("succeeded", paused_seconds=300.0, progress={"processed": 2400, "rate": None}) | times
    visitor.open("/")

    by_browser = visitor.page.evaluate(IN_THE_BROWSER, [run, now.isoformat()])

    for said in (values(run, now), by_browser):
        assert (said["took"], said["running_for"], said["speed"]) == ("4 minutes", "4 minutes", "10")


def test_faces_are_rendered_without_a_query() -> None:
    with CaptureQueriesContext(connection) as asked:
        page_of(*map(faced, FACED))

    assert asked.captured_queries == []


@pytest.mark.parametrize(
    ("seconds", "exact", "about"),
    [
        (0, "0 seconds", "1 second"),
        (1, "1 second", "1 second"),
        (44.6, "44 seconds", "40 seconds"),
        (69, "1 minute 9 seconds", "1 minute"),
        (120, "2 minutes", "2 minutes"),
        (3_599, "59 minutes 59 seconds", "1 hour"),
        (7_260, "2 hours 1 minute", "2 hours"),
        (90_000, "1 day 1 hour", "1 day"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, exact: str, about: str) -> None:
    assert (words.duration(seconds), words.about(seconds)) == (exact, about)
