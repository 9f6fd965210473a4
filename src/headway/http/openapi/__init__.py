"""The endpoints as OpenAPI, by drf-spectacular: one typed path for each operation, from its form."""

from .document import CURSOR, ETAG, LIMIT, LOCATION, Document, answer, header, parameter, start_of
from .inspector import EndpointSchema

__all__ = [
    "CURSOR",
    "ETAG",
    "LIMIT",
    "LOCATION",
    "Document",
    "EndpointSchema",
    "answer",
    "header",
    "parameter",
    "start_of",
]
