"""Each operation's own start, with its own parameters from its form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from headway.conf import conf
from headway.operations import schema as json_schema
from headway.operations.base import Operation
from headway.runs.access import may_start

from .document import Document
from .inspector import EndpointSchema

__all__ = ["StartSchema"]


class StartSchema(EndpointSchema):
    """For a view with an `operation`; the one without, which takes any name, is left out."""

    @property
    def operation(self) -> type[Operation] | None:
        view: Any = self.view
        found: type[Operation] | None = view.operation
        return found

    def document(self, method: str) -> Document | None:
        document, operation = super().document(method), self.operation
        if document is None or operation is None or not may_start(operation, self.caller):
            return None
        wanted = operation.require_idempotency_key or conf().require_idempotency_key
        return replace(
            document,
            parameters=tuple(replace(each, required=wanted) for each in document.parameters),
            name=f"start_{identifier(operation)}",
            summary=str(operation.title),
            description=operation.description() or str(operation.title),
        )

    @property
    def caller(self) -> Any:
        """Who asks for the schema; None: a command does, and gets all of it.

        drf-spectacular makes up a request, and gives it the user of the real one, if there is one.
        """
        return getattr(self.view.request, "_user", None)

    def request_body(self) -> dict[str, Any]:
        """JSON where no file is needed, multipart where one may be sent."""
        if self.operation is None:
            return {}
        whole, name = json_schema.of_form(self.operation.form), f"start_{identifier(self.operation)}"
        files = [name for name, field in whole["properties"].items() if field.get("format") == "binary"]
        content = {}
        if not set(files) & set(whole["required"]):
            plain = {name: field for name, field in whole["properties"].items() if name not in files}
            content["application/json"] = {"schema": self.component(name, whole | {"properties": plain})}
        if files:
            content["multipart/form-data"] = {"schema": self.component(f"{name}_with_files", whole)}
        return {"content": content, "required": bool(whole["required"])}


def identifier(operation: type[Operation]) -> str:
    """The operation's name as generators of clients like names."""
    return re.sub(r"[^A-Za-z0-9]+", "_", operation.name)
