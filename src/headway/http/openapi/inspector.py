"""Makes an endpoint's OpenAPI from its `documents`: drf-spectacular calls it for each path and method."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_parameter_type, resolve_django_path_parameter
from drf_spectacular.settings import spectacular_settings

from headway import problems
from headway.live.run_ids import RUN_ID
from headway.problems import PROBLEMS

from .dialect import spoken
from .document import Answer, Document, Header
from .schemas import SCHEMAS, ref

__all__ = ["EndpointSchema"]

ALWAYS = ("malformed", "unauthenticated", "rate-limited", "overloaded")
OF_PROBLEMS = {
    401: Header("WWW-Authenticate", "How to sign in."),
    429: Header("Retry-After", "Seconds after which to try again."),
    503: Header("Retry-After", "Seconds after which to try again."),
}


class EndpointSchema(AutoSchema):
    """Says what the endpoint's Document says; security and the kinds of path parameters are drf-spectacular's."""

    media_type = "application/json"

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        self.registry, self.path, self.path_regex, self.method = registry, path, path_regex, method.upper()
        document = self.document(method.lower())
        if document is None:
            return None
        body = self.request_body()
        return {
            "operationId": document.name,
            "summary": document.summary,
            "description": document.description or self.get_description(),
            "tags": [document.tag],
            "parameters": [*self.path_parameters(), *(self.parameter(each) for each in document.parameters)],
            **({"requestBody": body} if body else {}),
            "security": self.get_auth(),
            "responses": {
                **{str(status): self.answered(told) for status, told in document.answers.items()},
                **{str(status): self.refused(status, slugs) for status, slugs in by_status(document.refusals).items()},
            },
        }

    def document(self, method: str) -> Document | None:
        """What to say; None: leave the endpoint out."""
        view: Any = self.view
        found: Document | None = view.documents.get(method)
        return found

    def request_body(self) -> dict[str, Any] | None:
        return None

    def answered(self, told: Answer) -> dict[str, Any]:
        found: dict[str, Any] = {"description": told.description or self.get_description()}
        if told.headers:
            found["headers"] = {header.name: self.header(header) for header in told.headers}
        if told.schema:
            found["content"] = {told.media_type or self.media_type: {"schema": self.component(told.schema)}}
        return found

    def refused(self, status: int, slugs: list[str]) -> dict[str, Any]:
        """One shape for all: by which types a status may come is said in words, since there may be more one day."""
        examples = {slug: {"value": example_of(slug)} for slug in slugs}
        found: dict[str, Any] = {
            "description": " · ".join(f"`{problems.uri(slug)}`: {PROBLEMS[slug].title}" for slug in slugs),
            "content": {problems.MEDIA_TYPE: {"schema": self.component("Problem"), "examples": examples}},
        }
        if status in OF_PROBLEMS:
            found["headers"] = {OF_PROBLEMS[status].name: self.header(OF_PROBLEMS[status])}
        return found

    def header(self, header: Header) -> dict[str, Any]:
        return {"description": header.description, "schema": self.spoken(header.schema), "required": header.always}

    def parameter(self, parameter: Any) -> dict[str, Any]:
        return {
            "name": parameter.name,
            "in": parameter.place,
            "description": parameter.description,
            "required": parameter.required,
            "schema": self.spoken(parameter.schema),
        }

    def path_parameters(self) -> list[Any]:
        path_regex = self.path_regex.replace(f"<{RUN_ID}:", "<uuid:")
        return [
            resolve_django_path_parameter(path_regex, name, [])  # type: ignore[no-untyped-call]
            or build_parameter_type(name=name, location="path", schema={"type": "string"})
            for name in re.findall(r"{(\w+)}", self.path)
        ]

    def component(self, name: str, schema: Any = None) -> dict[str, Any]:
        """A reference to this schema (one of ours, unless given), which is written down once, as are those in it."""
        told = SCHEMAS[name] if schema is None else schema
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name, ResolvedComponent.SCHEMA, self.spoken(told), EndpointSchema
        )
        self.registry.register_on_missing(component)
        for inner in re.findall(r"'#/components/schemas/(\w+)'", str(told)):
            self.component(inner)
        return ref(name)

    def spoken(self, schema: Any) -> Any:
        return spoken(schema, spectacular_settings.OAS_VERSION)


def example_of(slug: str) -> dict[str, Any]:
    """A problem of this type, as far as all of them are alike."""
    problem = PROBLEMS[slug]
    return {"type": problems.uri(slug), "title": problem.title, "status": problem.status, "detail": f"{problem.title}."}


def by_status(refusals: tuple[str, ...]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for slug in (*ALWAYS, *refusals):
        found.setdefault(PROBLEMS[slug].status, []).append(slug)
    return dict(sorted(found.items()))
