"""The guard against the demo's users holds on a slow machine, and beside a database that doesn't answer in time."""

from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from example.upkeep import guard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


class SlowHasher(PBKDF2PasswordHasher):
    """A hash that takes longer than the limit, as on a busy machine."""

    iterations = 1_000_000


@pytest.mark.slow
def test_a_password_whose_check_takes_longer_than_the_limit_is_found(settings: Any, monkeypatch: Any) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = [f"{__name__}.SlowHasher"]
    monkeypatch.setattr(guard, "LIMIT", 0.1)
    User.objects.create_user("demo", password="demo")

    assert [found.id for found in guard.check_users()] == ["example.E001"]


def test_a_database_that_does_not_answer_in_time_lets_nothing_start(settings: Any, monkeypatch: Any) -> None:
    settings.DEMO = False
    monkeypatch.setattr(guard, "LIMIT", -1)  # passed before it began
    User.objects.create_user("demo", password="demo")

    assert guard.check_users() != []


def test_without_the_demos_users_nothing_is_refused(settings: Any) -> None:
    settings.DEMO = False
    User.objects.create_user("demo", password="not-the-name")

    assert guard.check_users() == []
