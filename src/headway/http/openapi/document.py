"""What an endpoint says of itself beside its code. Plain values; `inspector` makes OpenAPI of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CURSOR", "LIMIT", "Answer", "Document", "Header", "Parameter", "answer"]

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}


@dataclass(frozen=True)
class Header:
    """A header of an answer. `always`: each such answer has it."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)
    always: bool = True


@dataclass(frozen=True)
class Parameter:
    """Something in the query string, or in a header of the request."""

    name: str
    description: str
    schema: Schema
    place: str = "query"
    required: bool = False


@dataclass(frozen=True)
class Answer:
    """What a status comes with: the name of a schema (None: no body), and headers."""

    schema: str | None
    description: str
    headers: tuple[Header, ...]
    media_type: str = ""
    """The endpoint's own, unless given."""


@dataclass(frozen=True)
class Document:
    """One method of one endpoint. `refusals` are problem types, beside those that every endpoint has."""

    name: str
    summary: str
    answers: dict[int, Answer]
    refusals: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    tag: str = "runs"


def answer(schema: str | None, description: str = "", *headers: Header) -> Answer:
    return Answer(schema, description, headers)


LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
CURSOR = Parameter("cursor", "Where to go on: follow `next` as it is.", TEXT)
