"""Each operation's own start, with its own parameters from its form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from headway.operations import schema as json_schema
from headway.operations.base import Operation

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
        if document is None or operation is None:
            return None
        return replace(
            document,
            name=f"start_{re.sub(r'[^A-Za-z0-9]+', '_', operation.name)}",
            summary=str(operation.title),
            description=operation.description() or str(operation.title),
        )

    def request_body(self) -> dict[str, Any]:
        """JSON where no file is needed, multipart where one may be sent."""
        whole = json_schema.of_form(self.operation.form if self.operation else None)
        files = [name for name, field in whole["properties"].items() if field.get("format") == "binary"]
        content = {}
        if not set(files) & set(whole["required"]):
            plain = {name: field for name, field in whole["properties"].items() if name not in files}
            content["application/json"] = {"schema": self.spoken(whole | {"properties": plain})}
        if files:
            content["multipart/form-data"] = {"schema": self.spoken(whole)}
        return {"content": content, "required": bool(whole["required"])}
