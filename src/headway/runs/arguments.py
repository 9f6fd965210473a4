"""What code gives to `runs.start`, before anything is made of it: a mistake is told where it was made."""

import inspect
from typing import Any

from headway.errors import IdempotencyKeyInvalid
from headway.operations.base import Operation


def check(operation: Any, form: Any, user: Any, idempotency_key: Any) -> None:
    """Raises TypeError for what can't be one at all, and says what to give."""
    if not isinstance(operation, str) and not (inspect.isclass(operation) and issubclass(operation, Operation)):
        raise TypeError(f"The operation is {operation!r:.200}; give its class, or its name.")
    if form is not None and not hasattr(form, "cleaned_data"):
        raise TypeError(f"form is {form!r:.200}; give a form with data, after its is_valid().")
    if user is not None and not hasattr(user, "is_authenticated"):
        raise TypeError(f"user is {user!r:.200}; give the user itself, such as request.user, or None for code.")
    if idempotency_key is not None and not isinstance(idempotency_key, str):
        raise TypeError(f"idempotency_key is {idempotency_key!r:.200}; give text. {IdempotencyKeyInvalid()}")
