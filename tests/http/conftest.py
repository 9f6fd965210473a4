"""What the HTTP tests share: people with tokens, and their clients."""

from collections.abc import Callable
from typing import Any

import pytest

Caller = Callable[..., Any]


@pytest.fixture
def person(transactional_db: None) -> Caller:
    """person("ada", "headway.view_run"): a user with these permissions and a token that is called like them."""
    from django.contrib.auth.models import Permission, User  # needs Django's apps
    from rest_framework.authtoken.models import Token

    def make(name: str, *permissions: str, **columns: Any) -> Any:
        user = User.objects.create(username=name, **columns)
        for permission in permissions:
            label, _, codename = permission.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
        Token.objects.create(user=user, key=name)
        return user

    return make


@pytest.fixture
def demo(person: Caller) -> Any:
    """The user who owns most runs of these tests."""
    return person("demo")


@pytest.fixture
def api(demo: Any) -> Any:
    """demo's client."""
    from .client import Api

    return Api("demo")


@pytest.fixture
def other(person: Caller) -> Any:
    """The client of somebody else, who may see nothing of demo's."""
    from .client import Api

    person("other")
    return Api("other")


@pytest.fixture
def nobody(transactional_db: None) -> Any:
    """The client of somebody who isn't signed in."""
    from .client import Api

    return Api()
