"""Where items come from: files, querysets, selections. Used as `from headway import sources; sources.csv(file)`."""

from .by_key import QuerysetSource
from .by_selection import SelectionSource
from .csv_file import CsvSource
from .file_source import Row
from .ndjson_file import NdjsonSource
from .protocol import Entry, Json, Selections, Source
from .roots import RootsSource

__all__ = ["Entry", "Json", "Row", "Selections", "Source", "csv", "ndjson", "queryset", "roots", "selection"]

csv = CsvSource
ndjson = NdjsonSource
queryset = QuerysetSource
roots = RootsSource
selection = SelectionSource
