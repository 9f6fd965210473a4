"""The tables. What may be written into them, and when, is the store's business."""

from .items import Discovery, ItemOutcome, ItemState, Selection
from .keys import IdempotencyKey, StoredAnswer
from .output import Block, LogLine
from .part import Kind, Part
from .run import Run
from .shared import Hold, LastTick, SharedRate, Worker
