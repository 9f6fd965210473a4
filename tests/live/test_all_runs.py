"""The stream of all of a user's runs: one is enough for a browser."""

from typing import Any

import pytest

from headway import runs
from headway.models import Run
from tests.app.driving import after_items, claim, drive, work
from tests.workers import until

from .clients import stream
from .server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def start(user: Any, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given, user=user).run


def test_it_opens_with_each_run_that_is_live_or_has_just_ended(server: Server, ada: Any) -> None:
    ended, live = start(ada, items=1), start(ada, items=2)
    work(claim(ended))
    before = start(ada, items=3)
    runs.cancel(before)
    Run.objects.filter(pk=before.pk).update(changed=1)  # long ago

    with stream(server, ada) as opened:
        seen = [opened.take(), opened.take()]

    assert [(message["type"], message["run"]["id"]) for message in seen] == [
        ("end", str(ended.pk)),
        ("snapshot", str(live.pk)),
    ]
    assert opened.place == ""  # a revision would be no place among many runs


@pytest.mark.once
def test_what_happens_to_each_comes_and_it_stays_open_when_one_ends(server: Server, ada: Any) -> None:
    first, second = start(ada, items=4), start(ada, items=5)
    with stream(server, ada) as opened:
        opened.take(), opened.take()
        runs.cancel(second)
        cancelled = opened.take()
        work(claim(first), after_items(2))
        moved = opened.take()
        drive(first)
        while (last := opened.take())["type"] != "end":
            pass

    assert (cancelled["type"], cancelled["run"]["id"]) == ("end", str(second.pk))
    assert (moved["type"], moved["run"]["id"]) == ("snapshot", str(first.pk))
    assert last["run"]["id"] == str(first.pk)


def test_a_run_that_is_started_meanwhile_appears(server: Server, ada: Any) -> None:
    with stream(server, ada) as opened:
        run = start(ada, items=2)
        message = opened.take()
    assert (message["type"], message["run"]["id"]) == ("snapshot", str(run.pk))


@pytest.mark.once
def test_other_peoples_runs_do_not(server: Server, ada: Any, bob: Any) -> None:
    start(bob, items=1)
    with stream(server, ada) as opened:
        start(bob, items=2)
        mine = start(ada, items=3)
        assert opened.take()["run"]["id"] == str(mine.pk)


@pytest.mark.once
def test_two_browsers_of_one_user_hear_the_same(server: Server, ada: Any) -> None:
    with stream(server, ada) as one, stream(server, ada) as other:
        run = start(ada, items=2)
        assert one.take() == other.take()
        drive(run)
        assert one.take() == other.take()


@pytest.mark.once
def test_a_second_browser_does_not_have_ended_runs_watched_again(server: Server, ada: Any) -> None:
    with stream(server, ada) as one:
        run = start(ada, items=1)
        drive(run)
        while one.take()["type"] != "end":
            pass
        with stream(server, ada) as other:
            assert other.take()["type"] == "end"
            live = start(ada, items=2)
            assert one.take() == other.take()
            until(lambda: server.census()["topics"] == 1)  # the live one
        runs.cancel(live)
        assert one.take()["type"] == "end"
        until(lambda: server.census()["topics"] == 0)
