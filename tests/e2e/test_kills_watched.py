"""Somebody watches while a worker, or the web process, is killed: what they hear is true, and never runs backwards."""

import os
import signal

import pytest

from headway.models import Run
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, owner_of
from tests.e2e.api import api, start
from tests.e2e.conftest import StartWeb
from tests.e2e.follower import Target, never_falls
from tests.e2e.streams import Sse
from tests.pace import BareProcess
from tests.workers import Workers, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.once]

RECOVERED_WITHIN = 5.0  # s
TIMEOUT = 60.0  # s


def test_a_watcher_of_a_killed_worker_is_told_and_sees_the_run_go_on_to_its_end(
    start_web: StartWeb, workers: Workers, tell: Tell
) -> None:
    web = start_web(lease_seconds=LEASE)
    workers.start(lease_seconds=LEASE)
    with api(web.url) as client:
        told = start(client, "tests.take_time", items=400, seconds=4)
    run = Run.objects.get(pk=told["id"])
    follower = Sse(Target(web.url, told["links"])).start()
    until(lambda: follower.processed > 20)

    with BareProcess() as bare:
        os.killpg(owner_of(run, workers).supervisor.pid, signal.SIGKILL)
        stalled = until(lambda: follower.now["stalled"])
    at_the_stall = follower.processed
    workers.start(lease_seconds=LEASE)
    went_on = until(lambda: follower.processed > at_the_stall)
    follower.wait(TIMEOUT)

    end = follower.now
    tell(f"told of the stall {stalled:.2f} s after the kill (lease {LEASE} s), went on {went_on:.2f} s later")
    assert bare.undisturbed(stalled) < LEASE + 1.5
    assert (end["state"], end["stalled"], end["resumes"]) == ("succeeded", False, 1)
    assert (end["progress"]["processed"], end["progress"]["succeeded"]) == (400, 400)
    assert never_falls(follower), follower
    assert follower.broken == []


def test_a_watcher_of_a_killed_web_process_recovers(start_web: StartWeb, workers: Workers, tell: Tell) -> None:
    web = start_web(processes=2)
    workers.start()
    with api(web.url) as client:
        told = start(client, "tests.take_time", items=400, seconds=8)
    follower = Sse(Target(web.url, told["links"]), patient=True).start()
    until(lambda: follower.processed > 20)

    web.crash()
    known = len(follower.heard)
    web.start()
    with BareProcess() as bare:
        recovered = until(lambda: len(follower.heard) > known)
    follower.wait(TIMEOUT)

    tell(f"heard again {recovered:.2f} s after the web process answered again")
    assert bare.undisturbed(recovered) < RECOVERED_WITHIN
    assert follower.now["state"] == "succeeded"
    assert follower.now["progress"]["succeeded"] == 400
    assert follower.broken, "the kill went unnoticed"
    assert never_falls(follower), follower
