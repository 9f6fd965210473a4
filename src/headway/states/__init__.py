"""Pure knowledge: the life of a run, and the arithmetic of its progress. No database, no clock, no settings."""

from .machine import (
    ACTIONS,
    LIVE,
    MOVES,
    TERMINAL,
    Action,
    Event,
    InvalidMove,
    State,
    Want,
    after,
    shown,
    stored_as,
)
from .progress import Counts, eta_seconds, keep_pace, percent, rate, summed
