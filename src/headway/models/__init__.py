"""The tables. What may be written into them, and when, is the store's business."""

from .block import Block
from .discovery import Discovery
from .hold import Hold
from .idempotency_key import IdempotencyKey
from .last_tick import LastTick
from .log_line import LogLine
from .outcome import ItemOutcome, ItemState
from .part import Kind, Part
from .run import Run
from .selection import Selection
from .shared_rate import SharedRate
from .stored_answer import StoredAnswer
from .worker import Worker

__all__ = [
    "Block",
    "Discovery",
    "Hold",
    "IdempotencyKey",
    "ItemOutcome",
    "ItemState",
    "Kind",
    "LastTick",
    "LogLine",
    "Part",
    "Run",
    "Selection",
    "SharedRate",
    "StoredAnswer",
    "Worker",
]
