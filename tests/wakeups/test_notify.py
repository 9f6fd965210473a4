"""What is PostgreSQL's alone: transactions, and a way for listeners past a pooler."""

import os
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from headway.wakeups.choice import channel
from headway.wakeups.notify import NotifyChannel

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_told_within_a_transaction_since_its_lock_would_be_held_until_the_commit() -> None:
    told = NotifyChannel()
    with closing(told.listen(5)) as heard:
        assert next(heard) == [""]
        with transaction.atomic():
            told.send("within")
        told.send("after")
        assert next(heard) == ["after"]


def test_listeners_go_to_the_address_that_they_are_given(settings: Any) -> None:
    name = connection.settings_dict["NAME"]
    address = urlsplit(os.environ["TEST_DATABASE_URL"])._replace(path=f"/{name}", scheme="postgresql")
    settings.HEADWAY = settings.HEADWAY | {"WAKE_UPS": address.geturl()}
    chosen = channel()
    assert chosen is not None
    with closing(chosen.listen(5)) as heard:
        assert next(heard) == [""]
        chosen.send("2")
        assert next(heard) == ["2"]


def test_a_listener_takes_no_place_in_djangos_pool() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict["OPTIONS"], "pool", {"min_size": 1, "max_size": 1, "timeout": 1})
        raw = NotifyChannel().connect()
    with raw:
        assert raw.execute("SELECT 1").fetchone() == (1,)
    assert getattr(raw, "_pool", None) is None
