"""Which parts a worker of certain queues claims, and what is rung for."""

from typing import Any

import pytest
from django.urls import get_resolver

from headway import Operation, runs
from headway.engines import Claimant, Engine, queues
from headway.models import Part, Run
from headway.operations import base
from headway.runner import Ending
from headway.snapshots import snapshots
from headway.store.parts import leases, workers
from headway.store.parts.candidates import ANYBODYS
from tests.app.ledger import WriteLedger
from tests.app.scripted import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _only_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no other operations than these; but in the addresses, which are made once in a process."""
    assert get_resolver().url_patterns
    monkeypatch.setattr(base, "by_name", {each.name: each for each in (WriteLedger, Scripted)})


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """One operation has a queue of its own."""
    monkeypatch.setattr(WriteLedger, "queue", "ledgers")


class Noting(Engine):
    """Delivers nothing; says what it was asked to ring for, and that so much rings already."""

    rung: list[tuple[str, int]] = []
    unheard = 0

    def ring(self, operation: str, times: int) -> None:
        self.rung.append((operation, times))

    def waiting(self, queue: str) -> int:
        return self.unheard


@pytest.fixture
def rung(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the engine was asked to ring for."""
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "tests.unit.test_queues.Noting"}
    monkeypatch.setattr(Noting, "rung", [])
    return Noting.rung


def claimant(*names: str) -> Claimant:
    """A worker of these queues (none: of all)."""
    return Claimant("driven", should_stop=lambda: False, wait=lambda seconds: None, queue_names=names)


def turn(*names: str) -> str | None:
    """One turn of a worker of these queues; whose run it has worked on."""
    turned = claimant(*names).turn()
    if turned is None:
        return None
    part, ending = turned
    assert ending is Ending.DONE
    return part.run.operation


def test_only_runs_of_its_own_queue_stand_before_a_run(several: None) -> None:
    workers.beat("somebody", "here", 1, 0)
    first, second = (runs.start("tests.write_ledger", {"items": items}).run for items in (1, 2))
    another = runs.start("tests.scripted").run

    reasons = [seen["reason"] for seen in snapshots([first.pk, another.pk, second.pk]).values()]

    in_line = {"code": "in-line", "text": "One run stands before it. It starts by itself."}
    assert reasons == [None, None, in_line]


def test_a_worker_of_one_queue_leaves_the_others_alone(several: None) -> None:
    runs.start("tests.write_ledger", {"items": 1})

    assert turn("headway") is None
    assert turn("ledgers") == "tests.write_ledger"


def test_the_default_queue_has_what_nobody_declares_any_more(several: None) -> None:
    run = runs.start("tests.scripted").run
    Run.objects.filter(pk=run.pk).update(operation="tests.removed")

    assert turn("ledgers") is None
    assert queues.due("headway") == {"tests.removed": 1}
    assert queues.of("tests.removed") == "headway"


@pytest.mark.parametrize("renamed", [WriteLedger, Scripted])
def test_what_was_started_under_a_former_name_stays_in_its_operations_queue(
    several: None, monkeypatch: pytest.MonkeyPatch, renamed: type[Operation]
) -> None:
    run = runs.start(renamed, {"items": 1} if renamed is WriteLedger else {}).run
    Run.objects.filter(pk=run.pk).update(operation="tests.before")
    monkeypatch.setattr(renamed, "aliases", ("tests.before",))
    monkeypatch.setitem(base.by_name, "tests.before", renamed)
    own, foreign = ("ledgers", "headway") if renamed is WriteLedger else ("headway", "ledgers")

    assert turn(foreign) is None
    assert (queues.of("tests.before"), turn(own)) == (own, "tests.before")


@pytest.mark.parametrize("names", [(), ("headway", "ledgers")], ids=["all", "both"])
def test_a_worker_of_all_queues_takes_everything_and_joins_nothing(
    several: None, names: tuple[str, ...], django_assert_num_queries: Any
) -> None:
    runs.start("tests.write_ledger", {"items": 1})
    runs.start("tests.scripted")

    assert queues.among(["headway", "ledgers"]) is None
    assert {turn(*names), turn(*names)} == {"tests.write_ledger", "tests.scripted"}


def test_a_worker_gives_no_way_to_what_waits_in_a_queue_that_is_not_its_own(several: None) -> None:
    runs.start("tests.scripted")
    runs.start("tests.write_ledger", {"items": 1})
    worker = claimant("headway")
    part = leases.claim("driven", 1, worker.candidates)
    assert part is not None

    assert leases.look(part).least_served_ms == 0
    assert leases.look(part, worker.candidates).least_served_ms is None


@pytest.mark.once
def test_the_claims_of_all_workers_of_a_queue_are_compiled_once(several: None) -> None:
    assert claimant("headway").candidates is claimant("headway").candidates
    assert claimant("headway").candidates is not claimant("ledgers").candidates
    assert claimant().candidates is claimant("headway", "ledgers").candidates is ANYBODYS


def test_where_there_is_one_queue_nothing_is_joined() -> None:
    assert queues.every() == ["headway"]
    assert queues.among(["headway"]) is None


def test_what_is_due_is_rung_for_by_its_queue(several: None, rung: list[tuple[str, int]]) -> None:
    for items in (1, 2, 3):
        runs.start("tests.write_ledger", {"items": items})
    runs.start("tests.scripted")
    rung.clear()

    assert queues.reap(["headway"]) == 1
    assert queues.reap(["ledgers"]) == 3
    assert queues.reap(queues.every()) == 4

    assert rung == [("tests.scripted", 1), ("tests.write_ledger", 3), ("tests.scripted", 1), ("tests.write_ledger", 3)]


def test_what_rings_already_is_not_rung_for_again(rung: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    for items in (1, 2, 3):
        runs.start("tests.write_ledger", {"items": items})
    rung.clear()
    monkeypatch.setattr(Noting, "unheard", 2)

    assert queues.reap(queues.every()) == 1
    assert rung == [("tests.write_ledger", 1)]


def test_what_is_owned_or_not_due_yet_is_not_rung_for(rung: list[tuple[str, int]]) -> None:
    runs.start("tests.write_ledger", {"items": 1})
    Part.objects.update(due=2**60)

    assert queues.reap(queues.every()) == 0
