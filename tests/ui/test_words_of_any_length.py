"""Whatever a project, a person or a file says may be one long word: no page is wider than a phone."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from headway.models import ItemOutcome, Run

from .gallery import CSP, FACED, faced, page_of
from .scenes import begin, finish, go_on
from .test_accessibility import TOO_WIDE
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft_" * 2
PHONE = {"width": 360, "height": 780}


def narrow(visitor: Visitor) -> None:
    """Nothing is wider than the window, and the window doesn't scroll sideways."""
    visitor.page.set_viewport_size(PHONE)
    assert visitor.page.evaluate(TOO_WIDE) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def wordy(name: str) -> dict[str, Any]:
    """A snapshot with long words wherever words may be long."""
    given = faced(name)
    reason = given["reason"] and given["reason"] | {"text": WORD}
    differs = {"title": WORD, "message": WORD, "reason": reason, "result": {WORD: WORD}}
    return given | (differs | {"params": {WORD: WORD}})


def test_the_panel_in_every_state(visitor: Visitor) -> None:
    html = page_of(*map(wordy, FACED)).replace("airports.csv", WORD).replace("started by you", f"started by {WORD}")
    visitor.page.route("**/gallery/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    visitor.open("/gallery/")

    narrow(visitor)
    visitor.page.evaluate(
        """(word) => {
          const said = ".hw-run-problem, .hw-run-broken, .hw-run-confirm, [data-value]";
          for (const place of document.querySelectorAll(said)) {
            if (!place.dataset.value) place.hidden = false;
            if (place.matches(".hw-run-problem, [data-value='reason'], [data-value='state']")) place.textContent = word;
          }
        }""",
        WORD,
    )
    narrow(visitor)


def test_a_run_with_failures_and_the_lists(visitor: Visitor, demo: Any) -> None:
    User.objects.filter(pk=demo.pk).update(username=WORD[:150], is_staff=True)
    run = finish(begin(demo, items=20, reject="3,7"))
    Run.objects.filter(pk=run.pk).update(params={"items": 20, "reject": WORD})
    ItemOutcome.objects.filter(run=run).update(label=WORD, text=WORD, code=WORD[:60], detail=WORD * 2)
    Run.objects.filter(pk=run.pk).update(reason_detail=WORD * 9)
    go_on(begin(demo, items=400), 50)
    for address in (run, "/"):
        visitor.open(address)
        narrow(visitor)
        visitor.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        narrow(visitor)


def test_a_form_and_what_is_wrong_with_it(visitor: Visitor) -> None:
    for address in ("/start/tests.write_ledger/", "/start/airports.import_airports/", "/login/"):
        visitor.open(address)
        visitor.page.evaluate(
            """(word) => {
              const error = `<div role=alert><p class=hw-error><span>${word}</span></p></div>`;
              const said = "label, legend, .hw-hint, .hw-title, .hw-lede, option, button";
              for (const place of document.querySelectorAll(said)) place.append(word);
              for (const place of document.querySelectorAll(".hw-field, .hw-choice"))
                place.insertAdjacentHTML("beforeend", error);
            }""",
            WORD,
        )
        narrow(visitor)


def test_a_state_in_a_list_is_never_broken_within_its_word(visitor: Visitor, demo: Any) -> None:
    go_on(begin(demo, items=400), 50)
    visitor.open("/")
    for width in (1440, 1000, 700, 360):
        visitor.page.set_viewport_size(PHONE | {"width": width})
        rects = "document.querySelector('tr .hw-state [data-part=word]').getClientRects().length"
        height = "document.querySelector('tr .hw-state').offsetHeight"
        assert (visitor.page.evaluate(rects), visitor.page.evaluate(height) < 30) == (1, True)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
