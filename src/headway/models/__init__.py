"""The tables. What may be written into them, and when, is the store's business."""

from .items import Block, Discovery, ItemOutcome, ItemState, LogLine, Selection
from .keys import IdempotencyKey, StoredAnswer
from .part import Kind, Part
from .run import Run
from .shared import Hold, LastTick, SharedRate, Worker
