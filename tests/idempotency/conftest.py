"""Two callers."""

from typing import Any

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def demo(db: Any) -> User:
    return User.objects.create_user("demo")


@pytest.fixture
def other(db: Any) -> User:
    return User.objects.create_user("other")
