"""Idempotency keys for a project's own views: the same request sent again has one effect, and gets the same answer.

As draft-ietf-httpapi-idempotency-key-header has it, and Stripe's API does. Headway's own starts have keys of their own
(`headway.runs.start`).
"""

from .header import key_of
from .middleware import Middleware
from .views import idempotent

__all__ = ["Middleware", "idempotent", "key_of"]
