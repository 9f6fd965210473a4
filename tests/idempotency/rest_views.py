"""Views of Django REST framework that tell by whom they were called, each without a key, and with one in each way."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.urls import path
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from headway.idempotency import idempotent

from .views import made


class Strict(BaseAuthentication):
    """Refuses in Django's words what it doesn't like."""

    def authenticate(self, request: Request) -> None:
        if "X-Banned" in request.headers:
            raise PermissionDenied


class Whose(APIView):
    """Open to all, so that a caller who is lost on the way would be let in."""

    authentication_classes = (Strict, SessionAuthentication, TokenAuthentication)
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        by = type(request.successful_authenticator).__name__
        return Response({"thing": made().pk, "user": str(request.user), "by": by, "data": request.data}, status=201)


class WhoseSet(ViewSet):
    """The same by a set of views, which learns from the request what it is to do."""

    authentication_classes = Whose.authentication_classes
    permission_classes = Whose.permission_classes

    def get_authenticators(self) -> list[Any]:
        assert self.request.method == "POST"
        return [kind() for kind in self.authentication_classes]

    def create(self, request: Request) -> Response:
        assert self.action == "create"
        return Whose.post(self, request)  # type: ignore[arg-type]


views = {"class": Whose.as_view(), "set": WhoseSet.as_view({"post": "create"})}
urlpatterns = [
    path(f"{way}/{name}/", wrap(view))
    for name, view in views.items()
    for way, wrap in (
        ("bare", lambda view: view),
        ("decorated", idempotent),
        ("decorated-optional", idempotent(required=False)),
        ("prefix", lambda view: view),
        ("prefix-optional", lambda view: view),
    )
]
