"""Excel workbooks (.xlsx, ECMA-376), read as a stream: a sheet's rows, from any one on, in memory that doesn't grow.

Knows bytes only; shared by the form field, which refuses a file at once, and the source, which reads it later.
"""

from .rows import RawRow, RowPlace
from .strings import MissingText, Strings
from .table import Table
from .values import CellError, Value
from .workbook import Sheet, Workbook
from .xml import WorkbookError

__all__ = [
    "CellError",
    "MissingText",
    "RawRow",
    "RowPlace",
    "Sheet",
    "Strings",
    "Table",
    "Value",
    "Workbook",
    "WorkbookError",
]
