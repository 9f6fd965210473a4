"""What an endpoint says of itself beside its code, as parts of OpenAPI 3.1; `inspector` puts them together."""

import re
from dataclasses import dataclass, field, replace

from headway.conf import conf
from headway.operations import schema as json_schema
from headway.operations.base import Operation

from .schemas import SCHEMAS, Schema, ref

TEXT: Schema = {"type": "string"}


@dataclass(frozen=True)
class Document:
    """One method of one endpoint. `refusals` are problem types, beside those that every endpoint has."""

    name: str
    summary: str
    answers: dict[int, Schema]
    refusals: tuple[str, ...] = ()
    parameters: tuple[Schema, ...] = ()
    description: str = ""
    tag: str = "runs"
    body: Schema | None = None
    components: dict[str, Schema] = field(default_factory=lambda: SCHEMAS)
    """The schemas that it may refer to."""


def answer(
    schema: str | None, description: str = "", headers: Schema | None = None, media_type: str = "application/json"
) -> Schema:
    """What a status comes with: the name of a schema (None: no body), and headers."""
    found: Schema = {"description": description} if description else {}
    if headers:
        found["headers"] = headers
    return found | ({"content": {media_type: {"schema": ref(schema)}}} if schema else {})


def header(description: str, schema: Schema = TEXT, *, required: bool = True) -> Schema:
    """A header of an answer. `required`: each such answer has it."""
    return {"description": description, "schema": schema, "required": required}


def parameter(name: str, description: str, schema: Schema = TEXT, place: str = "query") -> Schema:
    """Something in the query string, or in a header of the request."""
    return {"name": name, "in": place, "description": description, "required": False, "schema": schema}


LIMIT = parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
CURSOR = parameter("cursor", "Where to go on: follow `next` as it is.")
ETAG = header("Names this state of it.")
LOCATION = header("The run's address.")


def start_of(operation: type[Operation], document: Document) -> Document:
    """The document of this operation's own start: JSON where no file is needed, multipart where one may be sent."""
    whole, name = json_schema.of_form(operation.form), f"start_{re.sub(r'[^A-Za-z0-9]+', '_', operation.name)}"
    plain = {name: field for name, field in whole["properties"].items() if field.get("format") != "binary"}
    bodies = {}
    if plain.keys() >= set(whole["required"]):
        bodies["application/json"] = name, whole | {"properties": plain}
    if plain != whole["properties"]:
        bodies["multipart/form-data"] = f"{name}_with_files", whole
    wanted = operation.require_idempotency_key or conf().require_idempotency_key
    return replace(
        document,
        name=name,
        summary=str(operation.title),
        description=operation.description() or str(operation.title),
        parameters=tuple(each | {"required": wanted and each["in"] == "header"} for each in document.parameters),
        body={
            "content": {kind: {"schema": ref(component)} for kind, (component, _) in bodies.items()},
            "required": bool(whole["required"]),
        },
        components=SCHEMAS | dict(bodies.values()),
    )
