"""The file that a run's items have written, whole: it is stored as it was written, so no source is read for it."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from headway import runs
from headway.errors import InvalidState
from headway.http.endpoint import Endpoint
from headway.http.openapi.document import Document, answer, header
from headway.models import Run
from headway.operations import registry
from headway.operations.kept import File
from headway.states import ACTIONS, State, shown
from headway.store.parts import blocks

from .formats import FORMATS, csv_of
from .limits import Share
from .views import sent

WHOLE = (State.SUCCEEDED, State.PARTIAL)


class Written(Endpoint):
    """The rows that a run's items have written, in the order of the items, once the run has ended. In one piece.

    Of a run that failed or was cancelled, those that were written until then; the file's name says "incomplete".
    """

    file_format = ""

    def document(self, method: str) -> Document | None:
        """One for each format; none for the view of any name."""
        if method != "get" or not self.file_format:
            return None
        headers = {"Content-Disposition": header("A name for the file.")}
        return Document(
            f"download_file_{self.file_format}",
            f"The run's file as {self.file_format.upper()}",
            answers={200: answer("File", "All its rows.", headers, FORMATS[self.file_format].media_type)},
            refusals=("not-found", "invalid-state"),
        )

    def get(self, request: Request, run_id: UUID, file_format: str = "") -> HttpResponseBase:
        run = runs.get(run_id, user=request.user)
        name = self.file_format or file_format
        if name not in FORMATS:
            raise NotFound(f"There is no file.{name[:20]}; there are: {', '.join(FORMATS)}.")
        operation, columns = registry.find(run.operation), blocks.columns_of(run.pk)
        declared = operation.file if operation else None
        if declared is None and not columns:
            raise NotFound("This operation writes no file.")
        if not run.is_done:
            state = State(run.state)
            raise InvalidState("hand out its file", shown(state), [str(action) for action in ACTIONS[state]])
        file = Blocks(run, LAYOUTS[name](columns or list(declared.columns) if declared else columns), request.user.pk)
        return sent(request, file, FORMATS[name], f"{called(run, declared)}.{name}")


def called(run: Run, declared: File | None) -> str:
    """The file's name, without its ending."""
    name = declared.name.rpartition(".")[0] if declared else registry.current_name(run.operation)
    return name if run.state in WHOLE else f"{name}-incomplete"


class Layout:
    """How the rows are written."""

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    head = b""

    def rows(self, rows: list[dict[str, Any]]) -> bytes:
        """These rows: one JSON object per line."""
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


class CsvLayout(Layout):
    """The same as CSV."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__(columns)
        self.head = csv_of([columns])

    def rows(self, rows: list[dict[str, Any]]) -> bytes:
        return csv_of(map(row.get, self.columns) for row in rows)


LAYOUTS: dict[str, Callable[[list[str]], Layout]] = {"csv": CsvLayout, "ndjson": Layout}


class Blocks:
    """The file on its way, block by block. Raises Throttled."""

    def __init__(self, run: Run, layout: Layout, user_key: Any) -> None:
        self.run, self.layout = run, layout
        self.share = Share(user_key)

    def __iter__(self) -> Iterator[bytes]:
        if self.layout.head:
            yield self.layout.head
        found = blocks.read_blocks(self.run.pk)
        while block := self.next_of(found):
            yield block
        self.close()

    def next_of(self, found: Iterator[list[dict[str, Any]]]) -> bytes:
        """The next block, as it is written; nothing when there is none."""
        with self.share.reading:
            rows = next(found, None)
            return b"" if rows is None else self.layout.rows(rows)

    def close(self) -> None:
        """Django calls it when it has been sent, and when its client has left."""
        self.share.leave()
