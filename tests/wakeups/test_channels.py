"""The contract of a channel, for PostgreSQL's NOTIFY and for Valkey."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import transaction

from headway.wakeups import Listener
from tests.app.driving import start
from tests.workers import until

from .mediums import Medium

pytestmark = pytest.mark.django_db(transaction=True)
Listen = Callable[[], list[str]]


def test_what_is_told_is_heard_by_all_who_listen(medium: Medium, listen: Listen) -> None:
    first, second = listen(), listen()
    medium.channel.send("a")
    medium.channel.send("b")
    until(lambda: len(first) == len(second) == 3)
    assert (first, second) == (["", "a", "b"], ["", "a", "b"])


def test_a_start_is_told_once_it_is_committed(medium: Medium, listen: Listen) -> None:
    due = listen()
    with transaction.atomic():
        start(items=2)
    until(lambda: due[1:])
    assert due[1:] == ["1"]


def test_what_is_rolled_back_is_not_told(medium: Medium, listen: Listen) -> None:
    due = listen()
    with transaction.atomic():
        start(items=2)
        transaction.set_rollback(True)
    medium.channel.send("the last")
    until(lambda: due[-1] == "the last")
    assert due == ["", "the last"]


def test_one_whose_connection_is_cut_hears_again_and_learns_that_it_may_have_missed_something(
    medium: Medium, listen: Listen
) -> None:
    heard = listen()
    medium.cut()
    until(lambda: heard == ["", ""])
    medium.channel.send("again")
    until(lambda: heard == ["", "", "again"])


def test_one_that_stops_leaves_no_connection_and_no_thread(medium: Medium) -> None:
    listener = Listener(lambda message: None)
    listener.start()
    until(lambda: medium.listeners() == 1)
    listener.stop()
    listener.thread.join()
    assert not listener.thread.is_alive()
    until(lambda: medium.listeners() == 0)


def test_one_that_fails_over_what_it_hears_goes_on_listening(medium: Medium) -> None:
    heard: list[str] = []

    def hear(said: str) -> None:
        heard.append(said)
        if said == "bad":
            raise RuntimeError

    listener = Listener(hear)
    listener.start()
    until(lambda: heard == [""])
    medium.channel.send("bad")
    until(lambda: heard == ["", "bad", ""])
    word = str(uuid4())
    medium.channel.send(word)
    until(lambda: heard[-1] == word)
    listener.stop()
    listener.thread.join()
