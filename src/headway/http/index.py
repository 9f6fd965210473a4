"""What lies below the address at which a project has mounted the API."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from headway.addresses import address, of_api

from .endpoint import Endpoint
from .openapi.document import Document, answer


class Index(Endpoint):
    """The addresses to begin with; `schema` is there where the project has a URL of this name."""

    documents = {"get": Document("read_index", "What there is", answers={200: answer("Index")}, tag="operations")}

    def get(self, request: Request) -> Response:
        schema = address("schema")  # as drf-spectacular's own documentation names it
        links = {name: of_api(name) for name in ("operations", "runs", "events")}
        return Response({"links": links | ({"schema": schema} if schema else {})})
