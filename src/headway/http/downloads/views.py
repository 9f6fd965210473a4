"""The endpoints, and how a file is sent: as it is read, under WSGI and ASGI alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from headway import runs
from headway.http import paging
from headway.http.endpoint import Endpoint
from headway.http.openapi import Document, Header, Parameter, answer

from .forms import FORMS
from .originals import Originals
from .rows import LARGEST, pages, span_of
from .schema import DownloadSchema

__all__ = ["Failures", "Results"]


class Failures(Endpoint):
    """A run's failed items: their own columns, then key, code and text. At most 100,000 rows; `Link` has the rest."""

    schema = DownloadSchema()
    form = ""
    documents = {
        "get": Document(
            "download_failures_{form}",
            "Failed items as {form}",
            answers={
                200: answer(
                    "File",
                    f"At most {LARGEST:,} rows.",
                    Header("Link", 'The next rows: rel="next".', always=False),
                    Header("Content-Disposition", "A name for the file."),
                )
            },
            refusals=("not-found",),
            parameters=(Parameter("after", "From `Link`, as it is.", {"type": "integer", "minimum": 0}),),
        )
    }

    def get(self, request: Request, run_id: UUID, form: str = "") -> HttpResponseBase:
        run = runs.get(run_id, user=request.user)
        name = self.form or form
        if name not in FORMS:
            raise NotFound(f"There is no failures.{name[:20]}; there are: {', '.join(FORMS)}.")
        span = span_of(run.pk, paging.whole_number(request, "after", 0, 0, paging.BIGGEST))
        originals = Originals(run)
        written = FORMS[name]
        blocks = written.blocks(pages(run, span, originals), originals.columns)
        response = StreamingHttpResponse(sent_by(request, blocks), content_type=written.media_type + written.details)
        response["Content-Disposition"] = content_disposition_header(True, f"{run.operation}-failures.{name}")
        if span.more:
            response["Link"] = f'<{request.path}?after={span.last}>; rel="next"'
        return response


class Results(Endpoint):
    """What `process` returned for each item, where the operation keeps it."""

    schema = None  # type: ignore[assignment]
    form = ""

    def get(self, request: Request, run_id: UUID, form: str = "") -> HttpResponseBase:
        runs.get(run_id, user=request.user)
        raise NotFound("This operation keeps no results.")


def sent_by(request: Request, blocks: Iterator[bytes]) -> Any:
    """Under ASGI an ordinary iterator would be read to its end, into memory, before anything is sent."""
    return in_a_thread(blocks) if isinstance(request._request, ASGIRequest) else blocks


async def in_a_thread(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    take: Any = sync_to_async(next)
    while (block := await take(blocks, None)) is not None:
        yield block
