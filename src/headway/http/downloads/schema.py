"""Each form of a download has its own path, and its own media type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headway.http.openapi import Document, EndpointSchema

from .forms import FORMS

__all__ = ["DownloadSchema"]


class DownloadSchema(EndpointSchema):
    """For a view with a `form`; the one without, which takes any, is left out."""

    def document(self, method: str) -> Document | None:
        document, view = super().document(method), self.view_of_form()
        if document is None or not view.form:
            return None
        self.media_type = FORMS[view.form].media_type
        name, summary = document.name.format(form=view.form), document.summary.format(form=view.form.upper())
        return replace(document, name=name, summary=summary)

    def view_of_form(self) -> Any:
        return self.view
