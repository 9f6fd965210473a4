"""What every worker sees to now and then, beside its work."""

from headway.store import answers
from headway.store.parts import holds, shared_holds, workers
from headway.store.runs import promotions
from headway.store.starts import keys

from . import removals, retention, stepped_clock


def tidy() -> None:
    """Forget idempotency keys and answers whose time is over, what is left of deleted runs, runs whose time is over,
    and workers that are gone; let no run wait for a key or a hold that is free, nor for a clock that was set back.
    """
    stepped_clock.bring_back()
    keys.forget_expired()
    answers.forget_expired()
    removals.clear_away(seconds=1)
    retention.prune_now_and_then()
    workers.forget_silent()
    promotions.promote_stranded()
    holds.promote_stranded()
    shared_holds.renew_all()
