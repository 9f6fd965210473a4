"""What every worker sees to now and then, beside its work."""

from . import keys, promotions

__all__ = ["tidy"]


def tidy() -> None:
    """Forget idempotency keys whose time is over; let no run wait for a key that is free."""
    keys.forget_expired()
    promotions.promote_stranded()
