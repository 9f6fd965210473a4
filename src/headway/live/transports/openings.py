"""What the transports' openings have in common."""

import random
from uuid import UUID

from headway.conf import conf
from headway.live.admission.gate import Admission
from headway.live.admission.tickets import with_tickets
from headway.live.answers import Answer, refusal
from headway.live.hub.messages import Message, Update, whole

__all__ = ["lifetime", "not_there", "opening"]

JITTER = 0.2  # of a stream's life: who came together shall not return together


def opening(update: Update, admission: Admission) -> Message:
    """How the run is; with fresh tickets for those who can't sign in otherwise."""
    return whole(with_tickets(update.run, admission.holder)) if admission.holder else update.whole


def lifetime() -> float:
    """Seconds that a stream or a socket lives."""
    return conf().stream_seconds * random.uniform(1 - JITTER, 1)


def not_there(run_id: UUID) -> Answer:
    """The refusal for a run that was deleted while it was being opened."""
    return refusal("not-found", f"There is no run {str(run_id)!r}.")
