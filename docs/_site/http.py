"""`{http-addresses}` and `{http-objects}`: the API as its own OpenAPI schema has it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from sphinx.application import Sphinx

from .generated import Generated, cell

__all__ = ["setup"]

Schema = dict[str, Any]


@cache
def schema() -> Schema:
    found: Schema = SchemaGenerator().get_schema(request=None, public=True)
    return found


def addresses() -> Iterator[str]:
    """A table of all methods of all addresses."""
    yield from ("| | | Answers |", "| --- | --- | --- |")
    for path, methods in schema()["paths"].items():
        for method, found in methods.items():
            told = f"{cell(found.get('summary') or '')}{parameters(found)}"
            yield f"| `{method.upper()} {path}` | {told} | {answers(found)} |"
    yield ""


def parameters(found: Schema) -> str:
    names = [f"`{each['name']}`" for each in found.get("parameters", ()) if each["in"] != "path"]
    return f" ({', '.join(names)})" if names else ""


def answers(found: Schema) -> str:
    """Each status with what it brings; those that bring a problem in one."""
    good = [f"{code} {named(answer)}".strip() for code, answer in found["responses"].items() if code < "400"]
    return f"{', '.join(good)}; problems: {', '.join(code for code in found['responses'] if code >= '400')}"


def named(answer: Schema) -> str:
    """The object that an answer brings."""
    for content in answer.get("content", {}).values():
        return kind(content.get("schema", {}))
    return ""


def objects() -> Iterator[str]:
    """Each object's properties."""
    for name, found in sorted(schema()["components"]["schemas"].items()):
        if properties := found.get("properties"):
            yield from (f"**{name}**", "", cell(found.get("description", "")), "")
            yield from ("| | | |", "| --- | --- | --- |")
            for key, value in properties.items():
                yield f"| `{key}` | {kind(value)} | {cell(value.get('description', ''))} |"
            yield ""


def kind(value: Schema) -> str:
    """What a value is, in a word or two."""
    if "$ref" in value:
        return f"*{value['$ref'].rpartition('/')[2]}*"
    for several in ("oneOf", "anyOf", "allOf"):
        if several in value:
            return " or ".join(kind(each) for each in value[several])
    if "const" in value or "enum" in value:
        return " or ".join(f"`{each}`" for each in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {kind(value.get('items', {}))}"
    types = value.get("type", "any JSON")
    return " or ".join(types) if isinstance(types, list) else types


class Addresses(Generated):
    lines = staticmethod(addresses)


class Objects(Generated):
    lines = staticmethod(objects)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("http-addresses", Addresses)
    app.add_directive("http-objects", Objects)
    return {"parallel_read_safe": True}
