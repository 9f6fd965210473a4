"""What every worker sees to now and then, beside its work."""

from . import keys, promotions, workers

__all__ = ["tidy"]


def tidy() -> None:
    """Forget idempotency keys whose time is over, and workers that are gone; let no run wait for a key that is free."""
    keys.forget_expired()
    workers.forget_silent()
    promotions.promote_stranded()
