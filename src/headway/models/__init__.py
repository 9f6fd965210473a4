"""The tables. What may be written into them, and when, is the store's business."""

from .items import Block, Discovery, ItemOutcome, ItemState, LogLine, Selection
from .part import Kind, Part
from .run import Run
from .shared import Hold, IdempotencyKey, LastTick, SharedRate, StoredAnswer, Worker
