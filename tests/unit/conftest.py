"""What the unit tests share: users."""

from collections.abc import Callable
from typing import Any

import pytest

Grant = Callable[..., Any]


@pytest.fixture
def person(db: None) -> Grant:
    """person("ada", "view_run"): a user with these permissions."""
    from django.contrib.auth.models import Permission, User  # needs Django's apps

    def make(name: str, *permissions: str) -> Any:
        user = User.objects.create(username=name)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=permissions, content_type__app_label="headway")
        )
        return User.objects.get(pk=user.pk)

    return make
