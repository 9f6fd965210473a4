"""The endpoints, and how a file is sent: as it is read, under WSGI and ASGI alike."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from headway import runs
from headway.errors import InvalidState
from headway.http import paging
from headway.http.endpoint import Endpoint
from headway.http.items import keeps_results
from headway.http.openapi.document import Document, answer, header, parameter
from headway.http.openapi.schemas import Schema
from headway.models import Run
from headway.operations import kept, registry
from headway.runs.access import is_staff
from headway.states import ACTIONS, State, shown
from headway.store.parts.output import columns_of

from .file import LARGEST, Blocks, File
from .formats import FORMATS, Format
from .limits import UnderWay
from .originals import FAILURES, FAILURES_FOR_STAFF, RESULTS, Kind

WHOLE = (State.SUCCEEDED, State.PARTIAL)


class Download(Endpoint):
    """A file of a run, in one of the formats. A subclass says which, and makes it."""

    file_format = ""
    name = title = told = ""
    """What the file is called, in its address and to people; and what the schema tells of its rows."""
    comes_with: ClassVar[Schema] = {"Content-Disposition": header("A name for the file.")}
    refusals: tuple[str, ...] = ("not-found",)
    parameters: tuple[Schema, ...] = ()

    def document(self, method: str) -> Document | None:
        """One for each format; none for the view of any name."""
        if method != "get" or not self.file_format:
            return None
        return Document(
            f"download_{self.name}_{self.file_format}",
            f"{self.title} as {self.file_format.upper()}",
            answers={200: answer("File", self.told, self.comes_with, FORMATS[self.file_format].media_type)},
            refusals=self.refusals,
            parameters=self.parameters,
        )

    def get(self, request: Request, run_id: UUID, file_format: str = "") -> HttpResponseBase:
        run = runs.get(run_id, user=request.user)
        ending = self.file_format or file_format
        if ending not in FORMATS:
            raise NotFound(f"There is no {self.name}.{ending[:20]}; there are: {', '.join(FORMATS)}.")
        return self.hand_out(request, run, ending)

    def hand_out(self, request: Request, run: Run, ending: str) -> HttpResponseBase:
        """The file in this format. Raises NotFound where the run has no such file."""
        raise NotImplementedError


class Outcomes(Download):
    """Some of a run's items as a file. At most 100,000 rows; `Link` has the rest."""

    kind: Kind
    told = f"At most {LARGEST:,} rows."
    comes_with = Download.comes_with | {"Link": header('The next rows: rel="next".', required=False)}
    parameters = (parameter("after", "From `Link`, as it is.", {"type": "integer", "minimum": 0}),)

    def hand_out(self, request: Request, run: Run, ending: str) -> HttpResponseBase:
        kind, written = self.kind_for(request.user), FORMATS[ending]
        file = File(run, kind, written, paging.id_in(request, "after"), request.user.pk)
        response = sent(request, file, written, f"{registry.current_name(run.operation)}-{self.name}.{ending}")
        if file.more:
            response["Link"] = f'<{request.path}?after={file.last}>; rel="next"'
        return response

    def kind_for(self, user: Any) -> Kind:
        """What this user is told of each item."""
        return self.kind


class Failures(Outcomes):
    """A run's failed items: their own columns, then key, code and text; for staff, then the error itself (`detail`).

    At most 100,000 rows; `Link` has the rest.
    """

    name, title = "failures", "Failed items"

    def kind_for(self, user: Any) -> Kind:
        return FAILURES_FOR_STAFF if is_staff(user) else FAILURES


class Results(Outcomes):
    """What `process` returned for each item, where the operation keeps it: the items' own columns, then key and value.

    In CSV a value that is an object has its members in columns. At most 100,000 rows; `Link` has the rest.
    """

    kind = RESULTS
    name, title = "results", "Results"

    def hand_out(self, request: Request, run: Run, ending: str) -> HttpResponseBase:
        if not keeps_results(run):
            raise NotFound("This operation keeps no results.")
        return super().hand_out(request, run, ending)


class Written(Download):
    """The rows that a run's items have written, in the order of the items, once the run has ended. In one piece.

    Of a run that failed or was cancelled, those that were written until then; the file's name says "incomplete".
    """

    name, title, told = "file", "The run's file", "All its rows."
    refusals = ("not-found", "invalid-state")

    def hand_out(self, request: Request, run: Run, ending: str) -> HttpResponseBase:
        operation, columns = registry.find(run.operation), columns_of(run.pk)
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


def called(run: Run, declared: kept.File | None) -> str:
    """The file's name, without its ending."""
    name = declared.name.rpartition(".")[0] if declared else registry.current_name(run.operation)
    return name if run.state in WHOLE else f"{name}-incomplete"


def sent(request: Request, file: UnderWay, written: Format, name: str) -> HttpResponseBase:
    """The file, sent as it is read."""
    # Under ASGI an ordinary iterator would be read to its end, into memory, before anything is sent.
    pieces = InThread(file) if isinstance(request._request, ASGIRequest) else file
    response = StreamingHttpResponse(pieces, content_type=written.media_type + written.details)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


class InThread:
    """The file, each of whose blocks is read in the request's own thread."""

    def __init__(self, file: UnderWay) -> None:
        self.blocks = iter(file)
        self.close = file.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        take: Any = sync_to_async(next)
        while (block := await take(self.blocks, None)) is not None:
            yield block
