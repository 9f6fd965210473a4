"""Each format of a download has its own path, and its own media type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headway.http.openapi import Document, EndpointSchema

from .formats import FORMATS

__all__ = ["DownloadSchema"]


class DownloadSchema(EndpointSchema):
    """For a view with a `file_format`; the one without, which takes any, is left out."""

    def document(self, method: str) -> Document | None:
        document, view = super().document(method), self.view_of_format()
        if document is None or not view.file_format:
            return None
        self.media_type = FORMATS[view.file_format].media_type
        name, summary = (
            document.name.format(file_format=view.file_format),
            document.summary.format(file_format=view.file_format.upper()),
        )
        return replace(document, name=name, summary=summary)

    def view_of_format(self) -> Any:
        return self.view
