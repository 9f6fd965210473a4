"""A client of the HTTP API for other programs: start runs, steer them, and follow them to their end.

Needs httpx (the extra `client`), and neither Django's settings nor a database.
"""

try:
    import httpx as httpx
except ImportError as error:
    raise ImportError("headway.client needs httpx: pip install 'django-headway[client]'") from error

from .clients import AsyncClient, Client
from .errors import Busy, ClientError, Conflict, Forbidden, Invalid, NotFound, Problem, SignedOut, Unreachable
from .run import FailureCount, Progress, Reason, Run, RunLinks, Step

__all__ = [
    "AsyncClient",
    "Busy",
    "Client",
    "ClientError",
    "Conflict",
    "FailureCount",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Problem",
    "Progress",
    "Reason",
    "Run",
    "RunLinks",
    "SignedOut",
    "Step",
    "Unreachable",
]
