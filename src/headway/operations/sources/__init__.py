"""Where items come from: files and directories, querysets and selections, an API's pages, a few keys to begin with.

Used as `from headway import sources; sources.csv(file)`.
"""

from .by_directory import DirectorySource
from .by_key import QuerysetSource
from .by_page import PagesSource
from .by_selection import SelectionSource
from .csv_file import CsvSource
from .file_source import Row
from .ndjson_file import NdjsonSource
from .protocol import Entry, Json, Selections, Source
from .roots import RootsSource
from .xlsx_file import XlsxSource

__all__ = [
    "Entry",
    "Json",
    "Row",
    "Selections",
    "Source",
    "csv",
    "files",
    "ndjson",
    "pages",
    "queryset",
    "roots",
    "selection",
    "xlsx",
]

csv = CsvSource
files = DirectorySource
ndjson = NdjsonSource
pages = PagesSource
queryset = QuerysetSource
roots = RootsSource
selection = SelectionSource
xlsx = XlsxSource
