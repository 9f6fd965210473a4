"""What all pages have in common: a visitor who has signed in, and no transaction around the request."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpResponseBase
from django.views import View

from .unmigrated import telling_of_migrations


class SignedInView(LoginRequiredMixin, View):
    """The base of every page."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """The view, without a transaction under ATOMIC_REQUESTS as well: reading must not wait for SQLite's write lock,
        and what writes is a transaction of its own, over before the answer."""
        return transaction.non_atomic_requests(telling_of_migrations(super().as_view(**initkwargs)))
