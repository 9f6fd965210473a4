"""What a form sends: its texts as the values that they stand for, so that one sent form means what its JSON would."""

import json
import re
from typing import Any

from django import forms
from django.core.files.base import File
from django.utils.datastructures import MultiValueDict

from . import schema

WHOLE = re.compile(r"-?\d{1,1000}")
BOOLEANS = {"true": True, "false": False, "on": True}  # "on" is what a browser sends for a checked box


def values_of(sent: MultiValueDict[str, Any], form: type[forms.BaseForm] | None) -> dict[str, Any]:
    """The parameters that a `QueryDict` with texts and files stands for; where a name has both, its files."""
    properties = schema.of_form(form)["properties"]
    return {name: value_of(pieces, properties.get(name, {})) for name, pieces in sent.lists()}


def value_of(pieces: list[Any], wanted: dict[str, Any]) -> Any:
    """The value that a parameter's texts stand for; where they can't be it, the texts, for the schema to refuse.

    An empty text, as a page's empty input sends it, is None but where text is wanted.
    """
    if files := [piece for piece in pieces if isinstance(piece, File)]:
        return files[0] if len(files) == 1 else files
    if pieces == [""] and not takes_text(wanted):
        return None
    if "array" in schema.kinds_of(wanted):
        return [single(text, wanted.get("items", {})) for text in pieces]
    return single(pieces[0], wanted) if len(pieces) == 1 else pieces


def takes_text(wanted: dict[str, Any]) -> bool:
    return "string" in schema.kinds_of(wanted) and wanted.get("format") != "binary"


def single(text: Any, wanted: dict[str, Any]) -> Any:
    kinds = schema.kinds_of(wanted)
    if "string" in kinds or not isinstance(text, str):
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text, text)
    if "integer" in kinds:
        return int(text) if WHOLE.fullmatch(text) else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
