"""The last address is taken out of the settings: what waits for it ends, and nobody is offered a delivery."""

import pytest

from headway import runs
from headway.models import Run
from headway.testing import end_waits
from tests.app.driving import drive, start
from tests.workers import Workers, wait_for_end

from .conftest import Declare
from .receiver import Receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

DELIVERY = "headway.deliver_webhook"


def test_a_delivery_that_waits_fails_and_says_why(receiver: Receiver, declare: Declare, workers: Workers) -> None:
    declare(billing=receiver.at("/500"))
    drive(start(items=1))
    delivery = Run.objects.get(operation=DELIVERY)
    declare()
    end_waits()
    workers.start()
    ended = wait_for_end(delivery.pk)
    assert (ended.state, ended.reason_text) == (
        "failed",
        "“Delivery” failed. HEADWAY[\"WEBHOOKS\"] has no 'billing' any more.",
    )


def test_a_delivery_is_offered_while_an_address_is_declared(receiver: Receiver, declare: Declare) -> None:
    def is_offered() -> bool:
        return DELIVERY in [operation.name for operation in runs.startable_by(None)]

    assert not is_offered()
    declare(billing=receiver.at("/200"))
    assert is_offered()
    declare()
    assert not is_offered()
