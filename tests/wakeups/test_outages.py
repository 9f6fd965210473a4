"""A Valkey that is down, frozen or silent: whoever tells doesn't notice, and whoever listens comes back."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from headway import fuse
from headway.signals import parts_due
from headway.wakeups import Listener, choice, publish
from servers.valkey import Valkey
from tests.pace import BareProcess
from tests.workers import until

from .mediums import Publish

pytestmark = pytest.mark.once


@pytest.fixture
def medium(settings: Any) -> Iterator[Publish]:
    """A Valkey of the test's own."""
    with Valkey() as server:
        found = Publish(server)
        settings.HEADWAY = settings.HEADWAY | {"WAKE_UPS": found.wake_ups}
        yield found


@contextmanager
def frozen(server: Valkey) -> Iterator[None]:
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def start_a_run() -> float:
    """As the store does after the commit; gives how long that took."""
    began = time.monotonic()
    answers = parts_due.send_robust(sender=None, operation="tests.write_ledger", parts=1)
    assert {answer for _, answer in answers} == {None}, "no error either"
    return time.monotonic() - began


def test_a_frozen_server_costs_who_tells_a_moment_and_no_more(medium: Publish) -> None:
    start_a_run()
    with frozen(medium.server), BareProcess() as bare:
        took = [start_a_run() for _ in range(1_000)]
    assert bare.undisturbed(max(took)) < 2, "0.2 s for an answer, and once more for a new connection"
    assert bare.undisturbed(sum(took)) < 2, "then it is left alone for a while"


def test_a_server_that_is_down_is_found_again_by_all(
    medium: Publish, listen: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuse, "LONGEST_REST", 0.1)
    monkeypatch.setattr(choice, "LONGEST_PAUSE", 0.1)
    heard = listen()
    medium.server.crash()
    start_a_run()
    medium.server.start()
    until(lambda: heard == ["", ""])
    until(lambda: start_a_run() and len(heard) > 2)


def test_the_first_word_after_a_restart_is_heard(medium: Publish) -> None:
    medium.channel.send("before")
    medium.server.crash()
    medium.server.start()
    heard: list[str] = []
    listener = Listener(heard.append)
    listener.start()
    until(lambda: heard == [""])
    medium.channel.send("after")  # over a connection that has ended meanwhile
    until(lambda: heard == ["", "after"])
    listener.stop()
    listener.thread.join()


def test_a_server_that_says_nothing_any_more_is_left_and_looked_for_anew(
    medium: Publish,
    listen: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(publish, "LISTENING", 0.3)
    monkeypatch.setattr(publish, "GIVEN_UP_AFTER", 0.9)
    monkeypatch.setattr(choice, "TURN", 0.1)
    monkeypatch.setattr(choice, "LONGEST_PAUSE", 0.1)
    heard = listen()
    quiet_until = time.monotonic() + 2
    until(lambda: time.monotonic() > quiet_until)
    assert heard == [""], "it answers the pings, so nothing was missed"
    with frozen(medium.server), caplog.at_level(logging.WARNING, "headway"):
        until(lambda: "event=deaf" in caplog.text)
    until(lambda: heard == ["", ""])
    medium.channel.send("again")
    until(lambda: heard[-1] == "again")


def test_without_the_library_a_listener_only_complains(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEADWAY = settings.HEADWAY | {"WAKE_UPS": "redis://127.0.0.1:1"}
    monkeypatch.delitem(sys.modules, "headway.wakeups.publish", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    listener = Listener(lambda said: None)
    with caplog.at_level(logging.WARNING, "headway"):
        listener.start()
        until(lambda: "event=deaf" in caplog.text)
        start_a_run()
    listener.stop()
    listener.thread.join()
    assert "ModuleNotFoundError" in caplog.text


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("redis://localhost", "headway:0"),
        ("redis://:secret@localhost:6379/3", "headway:3"),
        ("rediss://localhost/3?db=4", "headway:4"),
        ("unix:///run/valkey.sock?db=2", "headway:2"),
        ("unix:///run/valkey.sock", "headway:0"),
    ],
)
def test_projects_with_databases_of_their_own_have_channels_of_their_own(url: str, prefix: str) -> None:
    assert publish.PublishChannel(url).name == f"{prefix}:parts_due"


@pytest.mark.parametrize("wake_ups", ["localhost:6379", "on", None, 6379])
def test_an_address_that_cannot_be_meant_is_told(settings: Any, wake_ups: Any) -> None:
    from headway.conf import conf

    settings.HEADWAY = {"WAKE_UPS": wake_ups}
    with pytest.raises(ImproperlyConfigured, match=r"it must be \"\", \"off\" or an address that begins with redis://"):
        conf()
