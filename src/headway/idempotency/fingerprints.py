"""What a request asks for, in 64 characters: two requests with one key must have the same."""

import hashlib
import json
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import load_handler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict


def fingerprint_of(request: HttpRequest) -> str:
    """SHA-256 of the method, the address with its query, and the body.

    A form with files counts by its fields and files, as its boundary is another each time, and without Django's CSRF
    token. Raises RequestDataTooBig for any other body above DATA_UPLOAD_MAX_MEMORY_SIZE.
    """
    said = hashlib.sha256(json.dumps([request.method, request.get_full_path()]).encode())
    if request.content_type == "multipart/form-data":
        posted, uploads = form_of(request)
        fields = {name: values for name, values in posted.lists() if name != "csrfmiddlewaretoken"}
        said.update(json.dumps(fields, sort_keys=True).encode())
        for name, files in sorted(uploads.lists()):
            for file in files:
                add_file(said, name, file)
    else:
        said.update(request.headers.get("Content-Type", "").encode() + b"\n" + request.body)
    return said.hexdigest()


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
