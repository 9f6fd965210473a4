"""Makes an endpoint's OpenAPI of its `document`: drf-spectacular calls it for each path and method."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_parameter_type, resolve_django_path_parameter
from drf_spectacular.settings import spectacular_settings

from headway import problems
from headway.live.routes import RUN_ID
from headway.problems import PROBLEMS

from .document import answer, header
from .schemas import Schema

ALWAYS = ("malformed", "unauthenticated", "rate-limited", "overloaded")
AGAIN = {"Retry-After": header("Seconds after which to try again.")}
OF_PROBLEMS = {401: {"WWW-Authenticate": header("How to sign in.")}, 429: AGAIN, 503: AGAIN}


class EndpointSchema(AutoSchema):
    """Says what the endpoint's Document says; security and the kinds of path parameters are drf-spectacular's."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        self.registry, self.path, self.path_regex, self.method = registry, path, path_regex, method.upper()
        view: Any = self.view
        document = view.document(method.lower())
        if document is None:
            return None
        by_default = {"description": self.get_description()}
        answers = {str(status): by_default | told for status, told in document.answers.items()}
        operation = {
            "operationId": document.name,
            "summary": document.summary,
            "description": document.description or self.get_description(),
            "tags": [document.tag],
            "parameters": [*self.path_parameters(), *document.parameters],
            **({"requestBody": document.body} if document.body else {}),
            "security": self.get_auth(),
            "responses": answers | refusals(document.refusals),
        }
        return self.spoken(operation, document.components)

    def path_parameters(self) -> list[Any]:
        path_regex = self.path_regex.replace(f"<{RUN_ID}:", "<uuid:")
        return [
            resolve_django_path_parameter(path_regex, name, [])  # type: ignore[no-untyped-call]
            or build_parameter_type(name=name, location="path", schema={"type": "string"})
            for name in re.findall(r"{(\w+)}", self.path)
        ]

    def spoken(self, told: Schema, components: dict[str, Schema]) -> Schema:
        """The same in the words of the version that is asked for. What it refers to is written down once, likewise."""
        for name in re.findall(r"'#/components/schemas/(\w+)'", str(told)):
            schema = self.spoken(components[name], components)
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema, EndpointSchema
            )
            self.registry.register_on_missing(component)
        return older(told) if spectacular_settings.OAS_VERSION.startswith("3.0") else told


def refusals(slugs: tuple[str, ...]) -> Schema:
    """One shape for all: by which types a status may come is said in words, since there may be more one day."""
    by_status: dict[int, list[str]] = {}
    for slug in (*ALWAYS, *slugs):
        by_status.setdefault(PROBLEMS[slug].status, []).append(slug)
    return {str(status): refusal(status, by_status[status]) for status in sorted(by_status)}


def refusal(status: int, slugs: list[str]) -> Schema:
    described = " · ".join(f"`{problems.uri(slug)}`: {PROBLEMS[slug].title}" for slug in slugs)
    found = answer("Problem", described, OF_PROBLEMS.get(status), problems.MEDIA_TYPE)
    found["content"][problems.MEDIA_TYPE]["examples"] = {slug: {"value": example_of(slug)} for slug in slugs}
    return found


def example_of(slug: str) -> Schema:
    """A problem of this type, as far as all of them are alike."""
    problem = PROBLEMS[slug]
    return {"type": problems.uri(slug), "title": problem.title, "status": problem.status, "detail": f"{problem.title}."}


def older(told: Any) -> Any:
    """The same in the words of OpenAPI 3.0, which has no JSON Schema 2020-12."""
    if isinstance(told, list):
        return [older(each) for each in told]
    if not isinstance(told, dict):
        return told
    found = {name: value if name in ("enum", "default") else older(value) for name, value in told.items()}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if isinstance(found.get("examples"), list):
        found["example"] = found.pop("examples")[0]
    if found.get("required") == []:
        del found["required"]
    if isinstance(found.get("type"), list):
        found |= one_type(found.pop("type"))
    return found


def one_type(kinds: list[str]) -> Schema:
    """3.0 has one type each, and null is a property of it."""
    null = {"nullable": True} if "null" in kinds else {}
    named = [{"type": kind} for kind in kinds if kind != "null"]
    return named[0] | null if len(named) == 1 else {"anyOf": [named[0] | null, *named[1:]]}
