"""From JSON Schema 2020-12, which OpenAPI 3.1 speaks, to what OpenAPI 3.0 has instead. Values in, values out."""

from typing import Any

__all__ = ["spoken"]


def spoken(schema: Any, version: str) -> Any:
    """The schema in the words of this version of OpenAPI."""
    return older(schema) if version.startswith("3.0") else schema


def older(schema: Any) -> Any:
    if isinstance(schema, list):
        return [older(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: value if name in ("enum", "default") else older(value) for name, value in schema.items()}
    if "const" in told:
        told["enum"] = [told.pop("const")]
    if "examples" in told:
        told["example"] = told.pop("examples")[0]
    if told.get("required") == []:
        del told["required"]
    if isinstance(told.get("type"), list):
        told |= one_type(told.pop("type"))
    return told


def one_type(kinds: list[str]) -> dict[str, Any]:
    """3.0 has one type each, and null is a property of it."""
    null = {"nullable": True} if "null" in kinds else {}
    named = [{"type": kind} for kind in kinds if kind != "null"]
    return named[0] | null if len(named) == 1 else {"anyOf": [named[0] | null, *named[1:]]}
