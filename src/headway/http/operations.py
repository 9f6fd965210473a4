"""Which operations there are, and starting one; and what else lies beside them."""

import time
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from headway import runs
from headway.addresses import address, of_api
from headway.conf import conf
from headway.idempotency.header import key_of
from headway.operations import registry, schema
from headway.operations.base import Operation
from headway.operations.schedules import schedule_of
from headway.runs.access import check_start, may_start
from headway.runs.ticks import next_tick
from headway.snapshots import moment

from .callers import StartThrottle
from .endpoint import Endpoint, started
from .given import given_to
from .json import JsonParser
from .openapi.document import LOCATION, Document, answer, header, parameter, start_of
from .openapi.schemas import Schema
from .paging import choice

IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    "A name for this start, of your own: the same start sent again with it gets the same run.",
    {"type": "string", "pattern": r'^("[!#-\[\]-~]{8,255}"|[!#-+\--~][!-+\--~]{7,254})$'},  # no example: each is new
    place="header",
)
DRY_RUN = parameter(
    "dry_run",
    "Whether to change nothing: what the run writes is rolled back, and what became of each item is kept.",
    {"type": "boolean"},
)


def came_to(disposition: Schema, *, replayed: bool) -> Schema:
    """The headers of an answer to a start. `replayed`: each such answer is to a key that was sent before."""
    return {
        "Location": LOCATION,
        "Headway-Disposition": header("What the start came to.", disposition),
        "Idempotent-Replayed": header("The key has been sent before.", {"const": "true"}, required=replayed),
    }


REPLAYED = came_to({"const": "replayed"}, replayed=True)
STARTED = came_to({"enum": [str(each) for each in runs.Disposition]}, replayed=False)
STARTED["Retry-After"] = header("Seconds after which it is worth asking.")


class Index(Endpoint):
    """The addresses to begin with; `schema` is there where the project has a URL of this name."""

    documents = {"get": Document("read_index", "What there is", answers={200: answer("Index")}, tag="operations")}

    def get(self, request: Request) -> Response:
        links = {name: of_api(name) for name in ("operations", "runs", "events")}
        if described := address("schema"):  # as drf-spectacular's own documentation names it
            links["schema"] = described
        return Response({"links": links})


class Operations(Endpoint):
    """The operations that you may start."""

    documents = {
        "get": Document("list_operations", "Operations", answers={200: answer("Operations")}, tag="operations")
    }

    def get(self, request: Request) -> Response:
        return Response({"results": [describe(operation) for operation in runs.startable_by(request.user)]})


def describe(operation: type[Operation]) -> dict[str, Any]:
    return {
        "name": operation.name,
        "title": str(operation.title),
        "description": operation.description(),
        "params": schema.of_form(operation.form),
        "on_conflict": str(operation.on_conflict),
        "require_idempotency_key": operation.require_idempotency_key or conf().require_idempotency_key,
        "has_dry_run": operation.has_dry_run(),
        **by_the_clock(operation),
        "links": {"start": reverse("headway:start", args=[operation.name])},
    }


def by_the_clock(operation: type[Operation]) -> dict[str, Any]:
    """When it starts by itself, as its class declares it and as the next moment."""
    schedule, tick = schedule_of(operation), next_tick(operation, round(time.time() * 1000))
    return {
        "schedule": schedule.text if schedule else None,
        "schedule_zone": schedule.zone if schedule else None,
        "next_tick": None if tick is None else moment(datetime.fromtimestamp(tick / 1000, UTC)),
    }


class Start(Endpoint):
    """Start a run. The answer comes at once; a worker does the work, and the run's links tell how it goes."""

    operation: type[Operation] | None = None
    takes_uploads = True
    documents = {
        "post": Document(
            "start",
            "Start a run",
            answers={
                200: answer("Run", "The run that this idempotency key started; it has ended.", REPLAYED),
                202: answer("Run", "The run: a new one, or the one that this start would double.", STARTED),
            },
            refusals=(
                "forbidden", "not-found", "run-conflict", "payload-too-large", "unsupported-media-type", "validation",
                "idempotency-key-invalid", "idempotency-key-required", "idempotency-key-reused",
                "quota-exceeded",
            ),
            parameters=(IDEMPOTENCY_KEY, DRY_RUN),
            tag="operations",
        )
    }  # fmt: skip

    def document(self, method: str) -> Document | None:
        """One for each operation that the caller may start (all, for a command); the view of any name has none."""
        document, caller = super().document(method), getattr(self.request, "_user", None)
        if document is None or self.operation is None or not may_start(self.operation, caller):
            return None
        return start_of(self.operation, document)

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), StartThrottle()]

    def get_parsers(self) -> list[BaseParser]:
        parsers: list[BaseParser] = [JsonParser()]
        if self.operation is not None and schema.takes_files(self.operation.form):
            parsers.append(MultiPartParser())
        return parsers

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.operation is None:
            self.operation = registry.find(kwargs["name"])  # where there is none, `post` says so

    def post(self, request: Request, name: str = "") -> Response:
        operation = self.operation or registry.get(name)
        check_start(operation, request.user)
        self.check_media_type(request)
        answer = runs.start(
            operation,
            given_to(request),
            user=request.user,
            idempotency_key=key_of(request),
            dry_run=choice(request, "dry_run", ("true", "false")) == "true",
        )
        return started(request, answer)

    def check_media_type(self, request: Request) -> None:
        """Raises UnsupportedMediaType.

        Django REST framework itself takes a form that the CSRF check has read, and no parser knows, for an empty body.
        """
        has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
        if has_body and self.get_content_negotiator().select_parser(request, self.get_parsers()) is None:
            fitting = " or ".join(parser.media_type for parser in self.get_parsers())
            sent = request.content_type or "none"
            detail = f"The body's Content-Type is {sent!r:.100}; send the parameters as {fitting}."
            raise UnsupportedMediaType(sent, detail)
