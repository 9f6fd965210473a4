"""What all endpoints have in common, whatever the project's REST_FRAMEWORK says: JSON, problems, signing in.

The project's own authenticators and throttles are honoured. And what those answer that concern one run.
"""

from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, ParseError, UnsupportedMediaType
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from headway import problems
from headway.conf import conf
from headway.runs import Disposition, Started
from headway.snapshots import snapshot

from .callers import for_caller, is_session
from .errors import problem_of
from .json import AlwaysJson, JsonParser, JsonRenderer
from .openapi.document import Document
from .openapi.inspector import EndpointSchema

SOON = 1  # s: the state that was asked for is mostly reached by then


class Endpoint(APIView):
    """The base of every endpoint."""

    parser_classes = [JsonParser]
    renderer_classes = [JsonRenderer]
    content_negotiation_class = AlwaysJson
    permission_classes = [IsAuthenticated]
    versioning_class = None
    http_method_names = ["get", "head", "post", "delete"]
    schema = EndpointSchema()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view, without a transaction under ATOMIC_REQUESTS as well: reading must not wait for SQLite's write lock,
        and what writes is a transaction of its own, over before the answer."""
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    documents: ClassVar[dict[str, Document]] = {}
    """What the schema says of each method."""

    def document(self, method: str) -> Document | None:
        """What the schema says of this method; None leaves it out."""
        return self.documents.get(method)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if coding := coding_of(request):
            raise UnsupportedMediaType(coding, f"The body is encoded by {coding!r:.50}; send it as it is.")
        check_size(request)  # before the CSRF check, which would read a form and store its files
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Any:
        return problem_of

    def get_authenticators(self) -> list[Any]:
        """The project's own, and the session if it isn't among them: by that the pages' buttons and links call."""
        own = super().get_authenticators()
        return own if any(map(is_session, map(type, own))) else [*own, SessionAuthentication()]

    def challenge(self) -> str:
        """What a 401 must say (RFC 9110, 15.5.2), whichever authenticator the project lists first."""
        headers = (each.authenticate_header(self.request) for each in self.get_authenticators())
        return next(filter(None, headers), problems.CHALLENGE)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponse = super().finalize_response(request, response, *args, **kwargs)
        # What one caller sees is no other's, and is asked for again: the back button must show no old run.
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        if answer.status_code == 415 and coding_of(request):
            answer["Accept-Encoding"] = "identity"  # RFC 9110, 15.5.16
        return answer


class Nowhere(Endpoint):
    """Addresses that look like ours and are none."""

    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        hint = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise NotFound(f"There is nothing at {request.path}.{hint}")


def run_answer(request: Request, run_id: Any, status: int = 202) -> Response:
    """The run as it is now."""
    run = for_caller(snapshot(run_id), request)
    headers = {} if run["done"] else {"Retry-After": str(SOON)}
    return Response(run, status=status, headers=headers)


def started(request: Request, start: Started) -> Response:
    """The run that a start or a retry came to, and how."""
    replayed = start.disposition == Disposition.REPLAYED
    answer = run_answer(request, start.run.pk)
    if replayed and answer.data["done"]:
        answer.status_code = 200
    else:
        answer["Retry-After"] = str(SOON)  # a run that was joined may just have ended
    answer["Location"] = answer.data["links"]["self"]
    answer["Headway-Disposition"] = str(start.disposition)
    if replayed:
        answer["Idempotent-Replayed"] = "true"
    return answer


def coding_of(request: HttpRequest | Request) -> str:
    """How the body is compressed; empty for a body as it is."""
    coding: str = request.headers.get("Content-Encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def check_size(request: Request) -> None:
    """Raises RequestDataTooBig, and ParseError for a body of unknown length, which would be taken for an empty one."""
    sent = request.META.get("CONTENT_LENGTH") or ""
    if not sent and "Transfer-Encoding" in request.headers:
        raise ParseError(problems.NO_LENGTH)
    if sent.isascii() and sent.isdecimal() and int(sent[:20]) > conf().max_upload_bytes:
        raise RequestDataTooBig
