"""The parameters of a start, as they were sent: JSON as it is, a form's texts as the values that they stand for."""

import json
import re
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request

from headway.errors import InvalidParams, ParamError
from headway.operations import schema
from headway.operations.base import Operation

WHOLE = re.compile(r"-?\d{1,1000}")
BOOLEANS = {"true": True, "false": False}


def takes_files(operation: type[Operation]) -> bool:
    """Whether a parameter is a file, so that parameters may come as multipart."""
    return any(field.get("format") == "binary" for field in schema.of_form(operation.form)["properties"].values())


def given_to(operation: type[Operation], request: Request) -> dict[str, Any]:
    """What `runs.start` is to be given; an empty body is `{}`. Raises InvalidParams for JSON that is no object."""
    sent: Any = request.data
    if isinstance(sent, QueryDict):
        properties = schema.of_form(operation.form)["properties"]
        texts = {name: value_of(sent_texts, properties.get(name, {})) for name, sent_texts in request.POST.lists()}
        return texts | {name: files[0] if len(files) == 1 else files for name, files in request.FILES.lists()}
    if not isinstance(sent, dict):
        raise InvalidParams([ParamError("", "type", "The parameters must be a JSON object.")])
    return sent


def value_of(texts: list[Any], wanted: dict[str, Any]) -> Any:
    """The value that a parameter's texts stand for; where they can't be it, the texts, for the schema to refuse."""
    if "array" in schema.kinds_of(wanted):
        return [single(text, wanted.get("items", {})) for text in texts]
    return single(texts[0], wanted) if len(texts) == 1 else texts


def single(text: Any, wanted: dict[str, Any]) -> Any:
    kinds = schema.kinds_of(wanted)
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text, text)
    if "integer" in kinds:
        return int(text) if WHOLE.fullmatch(text) else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
