"""The endpoints as OpenAPI, by drf-spectacular: one typed path for each operation, from its form."""

from .document import CURSOR, LIMIT, Document, Header, Parameter, answer
from .inspector import EndpointSchema
from .start import StartSchema

__all__ = [
    "CURSOR",
    "LIMIT",
    "Document",
    "EndpointSchema",
    "Header",
    "Parameter",
    "StartSchema",
    "answer",
]
