"""The end of a run is told: signed, once it is true, again until it is answered, and not for ever."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from standardwebhooks import Webhook

from headway import runs
from headway.errors import InvalidParams
from headway.idempotency import idempotent
from headway.models import Part, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import drive, fresh, start
from tests.once import once

from .conftest import Declare
from .receiver import OLD, SECRET, Receiver

pytestmark = pytest.mark.django_db(transaction=True)

DELIVERY = "headway.deliver_webhook"


def deliveries() -> list[Run]:
    return list(Run.objects.filter(operation=DELIVERY).order_by("created_at"))


def attempt() -> Run:
    """The one delivery, once what it waits for is over and it has tried again."""
    end_waits()
    (delivery,) = deliveries()
    return drive(delivery)


def test_a_run_that_ends_is_told_as_the_api_shows_it_and_the_signature_is_right(
    receiver: Receiver, declare: Declare
) -> None:
    declare(billing=receiver.at("/200"))
    run = drive(start(items=3, reject="1"))

    (got,) = receiver.got
    shown = json.loads(json.dumps(snapshot(run.pk)))
    assert got["event"] == {"type": "run.ended", "timestamp": shown["finished_at"], "data": shown}
    assert (got["event"]["data"]["state"], got["event"]["data"]["links"]["self"]) == (
        "partial",
        f"/api/runs/{run.pk}/",
    )
    assert got["id"] == f"run-ended-{run.pk}"
    assert got["headers"]["Content-Type"] == "application/json"
    assert [delivery.state for delivery in deliveries()] == ["succeeded"], "and deliveries aren't told themselves"


@pytest.mark.once
def test_each_of_several_is_told_of_the_operations_that_it_names(receiver: Receiver, declare: Declare) -> None:
    declare(
        all=receiver.at("/200/all"),
        some=receiver.at("/200/some", operations=["tests.write_ledger"]),
        others=receiver.at("/200/others", operations=["tests.rebuild"]),
    )
    drive(start(items=1))
    assert sorted(got["path"] for got in receiver.got) == ["/200/all", "/200/some"]


@pytest.mark.parametrize("operations", [None, 7, [["tests.write_ledger"]]])
@pytest.mark.once
def test_what_is_declared_wrongly_keeps_no_run_from_its_end(
    receiver: Receiver, declare: Declare, operations: Any
) -> None:
    declare(billing=receiver.at("/200", operations=operations))
    assert drive(start(items=1)).state == "succeeded"
    assert receiver.got == []


def test_a_view_with_idempotency_keys_does_a_webhook_once(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/fail/1"))
    drive(start(items=1))
    attempt()
    done = []

    @idempotent(scope=lambda request: "headway")
    def run_ended(request: HttpRequest) -> HttpResponse:
        done.append(Webhook(SECRET).verify(request.body, dict(request.headers)))
        return HttpResponse(status=204)

    for got in receiver.got:
        sent = {"headers": got["headers"], "content_type": "application/json"}
        assert run_ended(RequestFactory().post("/hook/", got["body"], **sent)).status_code == 204
    assert len(receiver.got) == 2
    assert len(done) == 1


@pytest.mark.once
def test_a_secret_is_replaced_by_signing_with_both(receiver: Receiver, declare: Declare) -> None:
    receiver.stop()
    receiver.secret = OLD
    receiver.start()
    declare(billing=receiver.at("/200", secret=[SECRET, OLD]))
    drive(start(items=1))
    (got,) = receiver.got
    assert got["event"]["type"] == "run.ended"
    assert got["headers"]["Webhook-Signature"].count("v1,") == 2


@pytest.mark.once
def test_a_wrong_secret_is_found_by_the_receiver(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/200", secret=OLD))
    drive(start(items=1))
    assert receiver.got[0]["fault"] == "No matching signature found"


def test_an_end_that_is_rolled_back_is_not_told(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/200"))
    run = start(items=3)
    with transaction.atomic():
        runs.cancel(run)
        assert len(deliveries()) == 1, "it is started in the transaction that ends the run"
        transaction.set_rollback(True)
    assert deliveries() == []

    runs.cancel(run)
    drive(run)
    assert [got["event"]["data"]["state"] for got in receiver.got] == ["cancelled"]


@pytest.mark.once
def test_a_dry_run_is_not_told(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/200"))
    drive(runs.start("tests.write_ledger", {"items": 3}, dry_run=True).run)
    assert deliveries() == []


@pytest.mark.parametrize("path", ["/500", *once("/404", "/429", "/moved", "/cut")])
def test_what_is_not_taken_is_sent_again_later_under_the_same_id(
    receiver: Receiver, declare: Declare, path: str
) -> None:
    declare(billing=receiver.at(path))
    drive(start(items=1))
    (delivery,) = deliveries()
    reason: Any = snapshot(delivery.pk)["reason"]
    assert (delivery.state, reason["code"]) == ("running", "waiting")
    assert reason["text"].startswith("Attempt 1 failed, it is tried again. billing ")
    attempt()
    assert [(got["path"], got["id"]) for got in receiver.got] == [(path, receiver.got[0]["id"])] * 2
    assert len({got["body"] for got in receiver.got}) == 1
    assert all("event" in got for got in receiver.got), "each attempt is signed"


@pytest.mark.once
def test_once_it_is_taken_no_more_comes(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/fail/2"))
    drive(start(items=1))
    assert [attempt().state for _ in range(3)] == ["running", "succeeded", "succeeded"]
    assert len(receiver.got) == 3


@pytest.mark.parametrize(("asked", "hours"), [("7200", 2), *once(("9" * 20, 6))])
def test_what_the_receiver_asks_for_is_waited_for_up_to_six_hours(
    receiver: Receiver, declare: Declare, asked: str, hours: int
) -> None:
    declare(billing=receiver.at(f"/503/later/{asked}"))
    drive(start(items=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT due - changed FROM headway_part WHERE due IS NOT NULL")
        assert cursor.fetchone()[0] == pytest.approx(hours * 3_600_000, abs=5_000)


def test_after_twenty_attempts_over_two_days_the_deliverys_run_says_why_it_failed(
    receiver: Receiver, declare: Declare
) -> None:
    declare(billing=receiver.at("/500"))
    drive(start(items=1))
    waited = 0.0
    while (delivery := deliveries()[0]).state == "running":
        part = Part.objects.get(run=delivery)
        assert part.due is not None
        waited += (part.due - part.changed) / 1000
        attempt()
    assert (delivery.state, delivery.reason_code) == ("failed", "step-failed")
    assert delivery.reason_text == "“Delivery” failed. billing has answered 500. It was tried 20 times."
    assert len(receiver.got) == 20
    assert 40 < waited / 3600 < 56


@pytest.mark.once
def test_a_failed_delivery_is_retried_under_the_same_id(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/410"))
    drive(start(items=1))
    (delivery,) = deliveries()
    assert (delivery.state, len(receiver.got)) == ("failed", 1), "410: it isn't tried again"
    assert delivery.reason_text == "“Delivery” failed. billing has answered 410: it doesn't want it."

    declare(billing=receiver.at("/200"))
    again = drive(runs.retry(delivery).run)
    assert again.state == "succeeded"
    assert receiver.got[0]["id"] == receiver.got[1]["id"]


def test_a_receiver_that_is_down_is_told_once_it_is_up(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/200"))
    receiver.stop()
    drive(start(items=1))
    assert attempt().state == "running"
    receiver.start()
    assert attempt().state == "succeeded"
    assert len(receiver.got) == 1


@pytest.mark.once
def test_a_receiver_that_hangs_is_left_after_the_limit(
    receiver: Receiver, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.webhooks.delivery.LIMIT", 0.2)
    declare(billing=receiver.at("/hold"))
    drive(start(items=1))
    (delivery,) = deliveries()
    assert "could not be reached (TimeoutError)." in snapshot(delivery.pk)["reason"]["text"]
    assert attempt().state == "succeeded"
    assert receiver.got[0]["id"] == receiver.got[1]["id"]


def test_what_was_true_at_the_end_is_told_though_the_run_is_deleted_by_then(
    receiver: Receiver, declare: Declare
) -> None:
    declare(billing=receiver.at("/fail/1"))
    run = drive(start(items=2))
    runs.delete(run)
    assert attempt().state == "succeeded"
    assert receiver.got[1]["event"]["data"]["progress"]["succeeded"] == 2


@pytest.mark.once
def test_an_address_that_is_not_declared_any_more_is_not_told(receiver: Receiver, declare: Declare) -> None:
    declare(billing=receiver.at("/500"))
    drive(start(items=1))
    declare(other=receiver.at("/200"))
    assert attempt().reason_text == "“Delivery” failed. HEADWAY[\"WEBHOOKS\"] has no 'billing' any more."


def test_neither_address_nor_secret_is_shown(
    receiver: Receiver, declare: Declare, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    declare(billing=receiver.at("/410?token=hush"))
    drive(start(items=1))
    (delivery,) = deliveries()
    stored = json.dumps(snapshot(delivery.pk)) + delivery.reason_detail + str(delivery.params)
    outcomes = str(list(runs.outcomes(delivery).values()))
    for said in (stored, outcomes, caplog.text):
        assert "hush" not in said
        assert SECRET not in said
        assert str(receiver.port) not in said


@pytest.mark.once
class TestByHand:
    def test_staff_tell_it_again_under_the_same_id(self, receiver: Receiver, declare: Declare) -> None:
        declare(billing=receiver.at("/200"))
        staff = User.objects.create_superuser("staff")
        run = drive(start(items=1))
        again = runs.start(DELIVERY, {"webhook": "billing", "run": str(run.pk)}, user=staff).run
        assert drive(again).state == "succeeded"
        assert len(receiver.got) == 2
        assert receiver.got[0]["id"] == receiver.got[1]["id"]
        assert receiver.got[0]["body"] == receiver.got[1]["body"]

    def test_only_of_a_run_that_has_ended_and_that_they_may_see(self, receiver: Receiver, declare: Declare) -> None:
        declare(billing=receiver.at("/200"))
        staff = User.objects.create_user("staff", is_staff=True)
        run = drive(start(items=1))
        live, (delivery,) = start(items=2), deliveries()
        for told, user in ((run, staff), (live, None), (delivery, None)):
            with pytest.raises(InvalidParams):
                runs.start(DELIVERY, {"webhook": "billing", "run": str(told.pk)}, user=user)
        assert fresh(live).state == "queued"
