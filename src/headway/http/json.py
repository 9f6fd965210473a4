"""JSON in and out. Stricter than Python's own: a body of bounded size, no NaN, no name twice, only ASCII sent."""

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer


class JsonParser(BaseParser):
    """A JSON text in UTF-8, of at most Django's own DATA_UPLOAD_MAX_MEMORY_SIZE."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read() if limit is None else stream.read(limit + 1)
        if limit is not None and len(body) > limit:
            raise RequestDataTooBig
        try:
            return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=refuse)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return found


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that JSON has")


class JsonRenderer(JSONRenderer):
    """Escapes all but ASCII: a run's result may hold half of a surrogate pair, which UTF-8 can't say."""

    ensure_ascii = True
    strict = True


class AlwaysJson(DefaultContentNegotiation):
    """JSON, also where the client prefers something else (RFC 9110, 12.5.1, allows it): an error is never a page."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
