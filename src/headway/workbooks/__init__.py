"""Excel workbooks (.xlsx, ECMA-376), read as a stream: a sheet's rows, from any one on, in memory that doesn't grow.

Knows bytes only; shared by the form field, which refuses a file at once, and the source, which reads it later.
"""

from .rows import RawRow
from .strings import MissingText, Strings
from .table import Table
from .values import CellError, Value
from .workbook import Workbook
from .xml import WorkbookError
