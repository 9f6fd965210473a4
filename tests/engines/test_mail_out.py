"""A mail-out to a real SMTP server, whose workers are killed, frozen and asked to stop all the while."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example.airports.models import Airport
from headway import runs
from headway.database import NowMs
from headway.models import ItemOutcome, Part, Run, Worker
from headway.operations.effects import Effects
from tests.app.outside import write_line
from tests.crash.aloud import Tell
from tests.crash.aloud import dice as dice
from tests.crash.scene import LEASE, freeze, processed, thaw
from tests.mail_server import MailServer
from tests.workers import until, wait_for_end

from .conftest import ON_ONE, tried
from .launchers import Handle, Launcher

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = int(os.environ.get("MAILS", "600"))
BLOWS = {"kill": 20, "freeze": 3, "stop": 5} if MAILS >= 5_000 else {"kill": 4, "freeze": 1, "stop": 1}
WINDOW = 16
FEW, MANY = 200, 2_000


@pytest.fixture
def mail_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(tmp_path) as server:
        monkeypatch.setenv("EMAIL_HOST", "127.0.0.1")
        monkeypatch.setenv("EMAIL_PORT", str(server.port))
        yield server


@pytest.fixture
def airports(transactional_db: None) -> None:
    Airport.objects.bulk_create(
        Airport(icao=f"{number:04}", name=f"Number {number}", **PLACE) for number in range(MAILS)
    )


PLACE: dict[str, Any] = {
    "city": "C",
    "subdivision": "S",
    "country": "XX",
    "latitude": 0.0,
    "longitude": 0.0,
    "elevation_ft": 0,
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", tried(["embedded", "celery"], ON_ONE), indirect=True)
def test_no_mail_is_sent_twice_or_lost_and_each_that_may_have_gone_out_is_listed(
    engine: Launcher, airports: None, mail_server: MailServer, dice: random.Random, tell: Tell
) -> None:
    worker = engine.start(lease_seconds=LEASE)
    run = runs.start("airports.write_to_airports").run
    blows = [kind for kind, count in BLOWS.items() for _ in range(count)]
    dice.shuffle(blows)
    began = time.monotonic()
    for number, kind in enumerate(blows):
        reached = MAILS * (number + 1) // (len(blows) + 1)
        until(lambda reached=reached: processed(run) >= reached, seconds=150)  # type: ignore[misc]
        worker = strike(worker, kind, engine)
    ended = wait_for_end(run.pk, seconds=150)
    took = time.monotonic() - began

    taken, keys = mail_server.taken, keys_of(run)
    doubted = set(ItemOutcome.objects.filter(run=run, code="in-doubt").values_list("key", flat=True))
    sent_twice = [key for key, times in taken.items() if times > 1]
    lost = [item for item, key in keys.items() if key not in taken and item not in doubted]
    gone = [item for item in doubted if keys[item] in taken]
    tell(
        f"{engine.engine}: {MAILS:,} mails in {took:.1f} s, {BLOWS}: {len(sent_twice)} sent twice, {len(lost)} lost, "
        f"{len(doubted)} in doubt, of which {len(gone)} had gone out"
    )
    assert sent_twice == []
    assert lost == []
    assert set(taken) <= set(keys.values())
    assert ItemOutcome.objects.filter(run=run).exclude(code="in-doubt").count() == 0
    assert len(doubted) <= WINDOW * (BLOWS["kill"] + BLOWS["freeze"])
    assert ended.state == ("partial" if doubted else "succeeded")

    runs.settle(ended, went_out=True, keys=gone)
    runs.settle(ended, went_out=False)
    if len(gone) < len(doubted):
        wait_for_end(runs.retry(ended).run.pk, seconds=150)
    assert mail_server.taken == dict.fromkeys(keys.values(), 1), "once settled and retried, each has gone out once"


def strike(worker: Handle, kind: str, engine: Launcher) -> Handle:
    """What is done to the worker; gives the one that follows it."""
    if kind == "freeze":
        freeze(worker.process.pid)
        follower = engine.start(lease_seconds=LEASE)
        until(lambda: Part.objects.filter(due__gt=NowMs(), worker__in=names_of(follower)).exists())
        thaw(worker.process.pid)  # it wakes up in the midst of calls, and may begin none
        worker.stop()
        until(lambda: worker.has_stopped)
        return follower
    if kind == "kill":
        worker.kill_all()
    else:
        worker.stop()
        until(lambda: worker.has_stopped)
    return engine.start(lease_seconds=LEASE)


def names_of(worker: Handle) -> list[str]:
    """As which its processes own parts."""
    return list(Worker.objects.filter(pid__in=worker.working).values_list("id", flat=True))


def keys_of(run: Run) -> dict[str, str]:
    """The key of each airport's mail."""
    items = map(str, Airport.objects.values_list("pk", flat=True))
    return {item: Effects(run.pk, item)("mail").key for item in items}


@pytest.mark.alone
@pytest.mark.parametrize("engine", tried(["embedded"], ON_ONE), indirect=True)
def test_eight_threads_call_several_times_as_fast_as_a_plain_loop(engine: Launcher, tmp_path: Path, tell: Tell) -> None:
    sink, seconds = str(tmp_path / "lines"), 0.005
    began = time.monotonic()
    for number in range(FEW):
        write_line(sink, str(number))
        time.sleep(seconds)  # what a call takes
    loop = (time.monotonic() - began) / FEW

    engine.start()
    ended = wait_for_end(runs.start("tests.call_out", {"items": MANY, "sink": sink, "seconds": seconds}).run.pk)
    assert ended.state == "succeeded"
    assert ended.started_at
    assert ended.finished_at
    each = (ended.finished_at - ended.started_at).total_seconds() / MANY
    tell(f"{each * 1e3:.2f} ms a call, {loop * 1e3:.2f} ms by a plain loop: {loop / each:.1f} times as fast")
    assert loop / each > 3
