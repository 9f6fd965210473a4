"""The file that a run's items have written, whole: it is stored as it was written, so no source is read for it."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from headway.errors import InvalidState
from headway.models import Run
from headway.operations import registry
from headway.operations.kept import File
from headway.states import ACTIONS, State, shown
from headway.store.parts import blocks

from .formats import FORMATS, csv_of
from .limits import Share
from .views import Download, sent

WHOLE = (State.SUCCEEDED, State.PARTIAL)


class Written(Download):
    """The rows that a run's items have written, in the order of the items, once the run has ended. In one piece.

    Of a run that failed or was cancelled, those that were written until then; the file's name says "incomplete".
    """

    name, title, told = "file", "The run's file", "All its rows."
    refusals = ("not-found", "invalid-state")

    def hand_out(self, request: Request, run: Run, ending: str) -> HttpResponseBase:
        operation, columns = registry.find(run.operation), blocks.columns_of(run.pk)
        declared = operation.file if operation else None
        if declared is None and not columns:
            raise NotFound("This operation writes no file.")
        if not run.is_done:
            state = State(run.state)
            raise InvalidState("hand out its file", shown(state), [str(action) for action in ACTIONS[state]])
        if declared and not columns:
            columns = list(declared.columns)
        file = Blocks(run, columns if ending == "csv" else None, request.user.pk)
        return sent(request, file, FORMATS[ending], f"{called(run, declared)}.{ending}")


def called(run: Run, declared: File | None) -> str:
    """The file's name, without its ending."""
    name = declared.name.rpartition(".")[0] if declared else registry.current_name(run.operation)
    return name if run.state in WHOLE else f"{name}-incomplete"


class Blocks:
    """The file on its way, block by block: CSV with these columns, or NDJSON without. Raises Throttled."""

    def __init__(self, run: Run, columns: list[str] | None, user_key: Any) -> None:
        self.run, self.columns = run, columns
        self.share = Share(user_key)

    def __iter__(self) -> Iterator[bytes]:
        if self.columns is not None:
            yield csv_of([self.columns])
        found = blocks.read_blocks(self.run.pk)
        while block := self.next_of(found):
            yield block
        self.close()

    def next_of(self, found: Iterator[list[dict[str, Any]]]) -> bytes:
        """The next block, as it is written; nothing when there is none."""
        with self.share.reading:
            rows = next(found, [])
            if self.columns is None:
                return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
            return csv_of(map(row.get, self.columns) for row in rows)

    def close(self) -> None:
        """Django calls it when it has been sent, and when its client has left."""
        self.share.leave()
