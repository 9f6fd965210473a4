"""What can't work with Celery is told at start-up."""

import sys
from typing import Any

import pytest
from celery import Celery

from headway.checks import check_engine
from headway.engines.celery.checks import faults
from tests.shell.manage import manage, on_sqlite

pytestmark = pytest.mark.once


def app(broker: str = "redis://localhost/0", **settings: Any) -> Celery:
    """One that is as it should be, but for what is given."""
    made = Celery("checked", broker=broker, set_as_current=False, fixups=[])
    made.conf.update({"worker_prefetch_multiplier": 1, "worker_disable_prefetch": True} | settings)
    return made


def told(made: Celery) -> tuple[str | None, str, str | None]:
    """The one thing that is wrong: its id, the message, the hint."""
    (message,) = faults(made)
    return message.id, message.msg, message.hint


@pytest.mark.parametrize("broker", ["redis://localhost/0", "rediss://localhost/0", "amqp://localhost//", "sqs://"])
def test_an_ordinary_app_is_fine(broker: str) -> None:
    assert faults(app(broker)) == []


def test_tasks_that_run_where_they_are_sent_are_told() -> None:
    number, said, hint = told(app(task_always_eager=True))
    assert number == "headway.E005"
    assert "inside web requests" in said
    assert "CELERY_TASK_ALWAYS_EAGER" in str(hint)


def test_a_visibility_timeout_below_a_slice_and_an_item_is_told(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"SLICE_SECONDS": 30}

    number, said, hint = told(app("sqs://", broker_transport_options={"visibility_timeout": 89}))

    assert number == "headway.E006"
    assert said == (
        "The broker delivers a message again after 89 s (visibility_timeout); a worker may keep it for 90 s: "
        "a slice of 30 s and an item of 60 s."
    )
    assert "at least 90" in str(hint)
    assert faults(app("sqs://", broker_transport_options={"visibility_timeout": 90})) == []


@pytest.mark.parametrize("broker", ["redis://localhost/0", "amqp://localhost//"])
def test_where_no_message_in_hand_is_delivered_again_any_visibility_timeout_is_fine(broker: str) -> None:
    assert faults(app(broker, broker_transport_options={"visibility_timeout": 1})) == []


@pytest.mark.parametrize("broker", ["memory://", "filesystem://", "sqla+sqlite:///x", "sqlalchemy+postgresql://h/d"])
def test_a_broker_that_loses_messages_is_told(broker: str) -> None:
    number, said, hint = told(app(broker))
    assert number == "headway.E007"
    assert broker.split(":")[0].split("+")[0] in said
    assert "RabbitMQ" in str(hint)


def test_a_worker_that_takes_more_than_it_can_work_on_is_told() -> None:
    number, said, hint = told(app(worker_prefetch_multiplier=4))
    assert number == "headway.W008"
    assert "4 messages" in said
    assert "--prefetch-multiplier=1" in str(hint)


def test_a_worker_on_redis_that_takes_messages_while_it_is_busy_is_told() -> None:
    number, said, hint = told(app(worker_disable_prefetch=False))
    assert number == "headway.W008"
    assert "worker_disable_prefetch" in said
    assert "--disable-prefetch" in str(hint)
    assert faults(app("amqp://localhost//", worker_disable_prefetch=False)) == []


def test_without_celery_it_is_told_what_to_install(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "celery"}
    monkeypatch.setitem(sys.modules, "celery", None)

    (message,) = check_engine()

    assert message.id == "headway.E009"
    assert message.hint == "Run: pip install 'django-headway[celery]'"


def test_another_engine_needs_no_celery(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "embedded"}
    monkeypatch.setitem(sys.modules, "celery", None)

    assert check_engine() == []


def test_a_project_that_makes_no_app_is_told(tmp_path: Any) -> None:
    (tmp_path / "appless.py").write_text(
        'from tests.settings import *\nHEADWAY = HEADWAY | {"ENGINE": "celery"}\n', encoding="utf-8"
    )
    env = on_sqlite(tmp_path / "db.sqlite3", "appless")
    env["PYTHONPATH"] += f":{tmp_path}"

    said = manage("check", env=env)

    assert said.returncode == 1
    assert "(headway.E009) This process has no Celery app" in said.stderr
    assert "from .celery import app as celery_app" in said.stderr
