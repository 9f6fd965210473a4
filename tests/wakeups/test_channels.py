"""The contract of a channel, for PostgreSQL's NOTIFY and for Valkey."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import transaction

from headway import runs
from headway.models import Part
from headway.signals import run_changed
from headway.store.parts import leases, planning, totals
from headway.wakeups import Listener, Subject, telling
from headway.wakeups.telling import GAP
from tests.app.driving import after_items, claim, drive, start, work
from tests.workers import until

from .mediums import Medium

pytestmark = pytest.mark.django_db(transaction=True)
Listen = Callable[[Subject], list[str]]


def test_what_is_told_is_heard_by_all_who_listen_to_it_and_by_nobody_else(medium: Medium, listen: Listen) -> None:
    first, second = listen(Subject.RUN_CHANGED), listen(Subject.RUN_CHANGED)
    other = listen(Subject.PARTS_DUE)
    medium.channel.tell(Subject.RUN_CHANGED, "a")
    medium.channel.tell(Subject.RUN_CHANGED, "b")
    medium.channel.tell(Subject.PARTS_DUE, "3")
    until(lambda: len(other) == 2)
    until(lambda: len(first) == len(second) == 3)
    assert (first, second, other) == (["", "a", "b"], ["", "a", "b"], ["", "3"])


def test_a_start_is_told_once_it_is_committed(medium: Medium, listen: Listen) -> None:
    due, changed = listen(Subject.PARTS_DUE), listen(Subject.RUN_CHANGED)
    with transaction.atomic():
        run = start(items=2)
    until(lambda: due[1:] and changed[1:])
    assert (due[1:], changed[1:]) == (["1"], [str(run.pk)])


def test_what_is_rolled_back_is_not_told(medium: Medium, listen: Listen) -> None:
    due, changed = listen(Subject.PARTS_DUE), listen(Subject.RUN_CHANGED)
    with transaction.atomic():
        start(items=2)
        transaction.set_rollback(True)
    for subject in Subject:
        medium.channel.tell(subject, "the last")
    until(lambda: due[-1] == changed[-1] == "the last")
    assert (due, changed) == (["", "the last"], ["", "the last"])


def test_of_a_burst_the_first_is_told_and_the_end_always(medium: Medium, listen: Listen) -> None:
    changed = listen(Subject.RUN_CHANGED)
    began = time.monotonic()
    run = drive(start(items=2))
    for _ in range(100):
        run_changed.send_robust(sender=None, run_id=run.pk)
    took = time.monotonic() - began
    medium.channel.tell(Subject.RUN_CHANGED, "the last")
    until(lambda: changed[-1] == "the last")
    told = changed[1:-1]
    assert set(told) == {str(run.pk)}
    assert 2 <= len(told) <= 3 + took / GAP, "the start, the end, one after it, and four a second between"


def test_every_way_a_run_changes_is_told(medium: Medium, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "GAP", 0)
    changed = listen(Subject.RUN_CHANGED)

    def told_of(act: Callable[[], object]) -> None:
        already = len(changed)
        act()
        until(lambda: len(changed) > already)
        assert changed[-1] == str(run.pk)

    run = start(items=9)
    until(lambda: len(changed) == 2)
    claimed: list[Part] = []
    told_of(lambda: claimed.append(claim(run)))
    (part,) = claimed
    told_of(lambda: planning.plan(part, lambda: [planning.Range({"n": 9})]))
    told_of(lambda: totals.set_total(run.pk, 9))
    told_of(lambda: runs.pause(run))
    told_of(lambda: runs.resume(run))
    leases.release(part)
    told_of(lambda: work(claim(run), after_items(1)))
    told_of(lambda: runs.cancel(run))
    told_of(lambda: runs.delete(run))


def test_one_whose_connection_is_cut_hears_again_and_learns_that_it_may_have_missed_something(
    medium: Medium, listen: Listen
) -> None:
    heard = listen(Subject.RUN_CHANGED)
    medium.cut(Subject.RUN_CHANGED)
    until(lambda: heard == ["", ""])
    medium.channel.tell(Subject.RUN_CHANGED, "again")
    until(lambda: heard == ["", "", "again"])


def test_one_that_stops_leaves_no_connection_and_no_thread(medium: Medium) -> None:
    listener = Listener(Subject.RUN_CHANGED, lambda said: None)
    listener.start()
    until(lambda: medium.listeners(Subject.RUN_CHANGED) == 1)
    listener.start()  # changes nothing
    listener.stop()
    listener.join()
    assert listener.thread is not None
    assert not listener.thread.is_alive()
    until(lambda: medium.listeners(Subject.RUN_CHANGED) == 0)
    listener.start()
    until(lambda: medium.listeners(Subject.RUN_CHANGED) == 1)
    listener.stop()
    listener.join()


def test_one_that_fails_over_what_it_hears_goes_on_listening(medium: Medium) -> None:
    heard: list[str] = []

    def hear(said: str) -> None:
        heard.append(said)
        if said == "bad":
            raise RuntimeError

    listener = Listener(Subject.RUN_CHANGED, hear)
    listener.start()
    until(lambda: heard == [""])
    medium.channel.tell(Subject.RUN_CHANGED, "bad")
    until(lambda: heard == ["", "bad", ""])
    word = str(uuid4())
    medium.channel.tell(Subject.RUN_CHANGED, word)
    until(lambda: heard[-1] == word)
    listener.stop()
    listener.join()
