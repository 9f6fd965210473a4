"""One request with an idempotency key: what it asks for, its view's transaction, and what comes of the answer."""

import hashlib
import json
import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import load_handler
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.db import DatabaseError, transaction
from django.db.transaction import TransactionManagementError
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict

from headway import problems
from headway.database import is_broken, is_transient
from headway.errors import AnswerNotKept, HeadwayError, IdempotencyKeyInvalid, NoKey
from headway.runs.starting import KEY
from headway.store import answers
from headway.store.answers import Answer, Asked

from .callers import RefusedByView, Scope, principal_of
from .header import key_of

NOT_DONE = frozenset({401, 403, 408, 425, 429})  # the view has refused to begin: the same may do later
CSRF_FIELD = "csrfmiddlewaretoken"
LARGEST = 1 << 20  # bytes of a body that is kept
TOO_LARGE = "With an idempotency key, only a form with files may be longer than DATA_UPLOAD_MAX_MEMORY_SIZE."
BUSY = "The database can't take the request now, so nothing was done. Send it again, with the same key."
BROKEN = (
    "The view caught an error of the database and answered as if all were well, but its transaction can only be rolled "
    "back. Put the statement that may fail into a `with transaction.atomic():` of its own, inside the `try`."
)
CUT_SHORT = "The request's body is shorter than its Content-Length. Send it again, with the same key."

log = logging.getLogger(__name__)


@dataclass
class Attempt:
    """`begin`, then the view, then `end` or `undo`: all three in one thread, that of the view's queries."""

    request: HttpRequest
    view: Any
    required: bool
    scope: Scope | None
    asked: Asked | None = None
    """What the view is at work on, in a transaction that `transaction` ends."""
    transaction: ExitStack = field(default_factory=ExitStack)
    raised: bool = False
    """Whether the view has raised, where Django has made an answer of it since."""

    def begin(self) -> HttpResponse | None:
        """The answer, where the view isn't to run; None: it is, and its effects are in a transaction from now on."""
        try:
            if (asked := self.read()) is None:
                return None
            before = self.transaction.enter_context(answers.transaction_of(asked))
        except RefusedByView:
            return None
        except RequestDataTooBig:
            return problems.response("payload-too-large", TOO_LARGE)
        except UnreadablePostError:
            return problems.response("malformed", CUT_SHORT)
        except HeadwayError as error:
            return refusal(error)
        except DatabaseError as error:
            if not is_transient(error):
                raise
            log.warning("path=%s event=idempotency-busy", self.request.path, exc_info=error)
            return problems.response("overloaded", BUSY)
        if before is None:
            self.asked = asked
            return None
        self.transaction.close()
        return replayed(before, asked.key)

    def read(self) -> Asked | None:
        """What is asked for. None: it has no key, and needs none. Raises HeadwayError."""
        key = key_of(self.request)
        if key is None:
            if self.required:
                raise NoKey
            return None
        setattr(self.request, "headway_attempt", self)  # noqa: B010  (a request takes any attribute)
        if not KEY.fullmatch(key):
            raise IdempotencyKeyInvalid
        fingerprint = fingerprint_of(self.request)  # first: Django gives no body that REST framework has read before
        return Asked(principal_of(self.request, self.view, self.scope), key, fingerprint)

    def end(self, response: HttpResponseBase) -> HttpResponseBase:
        """The view has answered: keep that with its effects, or undo both where the server failed. Raises errors of the
        database, and TransactionManagementError for a success whose effects can only be undone."""
        if self.asked is None:
            return response
        with self.transaction:
            if callable(render := getattr(response, "render", None)):
                response = render()
            if self.leaves_nothing(response):
                transaction.set_rollback(True)
            elif is_broken():
                refuse_success(response)
                transaction.set_rollback(True)
            else:
                answers.keep(self.asked, self.kept(response))
        return response

    def leaves_nothing(self, response: HttpResponseBase) -> bool:
        """Whether the view has failed, or refused to begin."""
        status = getattr(response, "status_code", 500)  # of a view that gives none Django says which it is
        return self.raised or status >= 500 or status in NOT_DONE

    def undo(self, error: BaseException) -> None:
        """The view has raised this: its effects are undone, and its key is free."""
        self.transaction.__exit__(type(error), error, error.__traceback__)

    def kept(self, response: HttpResponseBase) -> Answer:
        body = response.content if isinstance(response, HttpResponse) else None
        if body is None or len(body) > LARGEST:
            log.warning("path=%s event=answer-not-kept streamed=%s", self.request.path, body is None)
            body = None
        headers = {name: value for name, value in response.headers.items() if name.lower() != "set-cookie"}
        return Answer(response.status_code, headers, body)


def refuse_success(response: HttpResponseBase) -> None:
    """Raises TransactionManagementError where this says that something is done, though it can only be undone."""
    if response.status_code < 400:
        raise TransactionManagementError(BROKEN)


def replayed(answer: Answer, key: str) -> HttpResponse:
    """The same answer again, byte for byte; of one that could not be kept, that it has been given."""
    if answer.body is None:
        return refusal(AnswerNotKept(key))
    response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    response["Idempotent-Replayed"] = "true"
    return response


def refusal(error: HeadwayError) -> HttpResponse:
    rule = problems.rule_of(error)
    assert rule is not None
    return problems.response_of(error, rule)


def fingerprint_of(request: HttpRequest) -> str:
    """What the request asks for: SHA-256 of the method, the address with its query, the media type without its
    parameters, and the body, without the CSRF token of a form.

    A form with files counts by its fields and files, as its boundary is another each time. Raises UnreadablePostError
    for a body that is cut short, and RequestDataTooBig for one without files above DATA_UPLOAD_MAX_MEMORY_SIZE.
    """
    said = hashlib.sha256(json.dumps([request.method, request.get_full_path()]).encode())
    if request.content_type == "multipart/form-data":
        posted, uploads = form_of(request)
        fields = {name: values for name, values in posted.lists() if name != CSRF_FIELD}
        said.update(json.dumps(fields, sort_keys=True).encode())
        for name, files in sorted(uploads.lists()):
            for file in files:
                add_file(said, name, file)
    else:
        said.update(f"{request.content_type or ''}\n".encode() + body_of(request))
    refuse_cut(request)
    return said.hexdigest()


def refuse_cut(request: HttpRequest) -> None:
    """Raises UnreadablePostError where the client has gone away in the midst of the body. A WSGI server hands over what
    came, as if it were all; under ASGI Django itself sees it.
    """
    if isinstance(request, WSGIRequest):
        stream = getattr(request, "_stream", None)  # still the server's where Django has parsed it on the way
        came = stream._pos if isinstance(stream, LimitedStream) else len(request.body)  # type: ignore[attr-defined]
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and came < int(length):
            raise UnreadablePostError


def body_of(request: HttpRequest) -> bytes:
    """Its bytes; of a form without Django's token, which may be new each time."""
    if request.content_type != "application/x-www-form-urlencoded":
        return request.body
    return b"&".join(field for field in request.body.split(b"&") if not field.startswith(f"{CSRF_FIELD}=".encode()))


def form_of(request: HttpRequest) -> "tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]":
    """The fields and files of a form, also of one that isn't posted: Django parses no other."""
    if request.method == "POST":
        return request.POST, request.FILES
    handlers = [load_handler(name, request) for name in settings.FILE_UPLOAD_HANDLERS]  # the request's are the view's
    return MultiPartParser(request.META, BytesIO(request.body), handlers).parse()


def add_file(said: "hashlib._Hash", name: str, file: "UploadedFile[Any]") -> None:
    said.update(json.dumps([name, file.name, file.size]).encode())
    for piece in file.chunks():
        said.update(piece)
    file.seek(0)
