"""Views of a project with idempotency keys, and their addresses. Each leaves one row for each time that it ran."""

import asyncio
import os
import secrets
import signal
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from example.urls import urlpatterns as example
from headway import runs
from headway.idempotency import idempotent
from tests.app.models import Thing


def made() -> Thing:
    """What each request leaves."""
    return Thing.objects.create(name="thing", code=secrets.token_hex(8))


def twice(thing: Thing) -> None:
    """An error of the database, caught without a savepoint of its own."""
    with suppress(IntegrityError):
        Thing.objects.create(name="again", code=thing.code)


def order(request: HttpRequest) -> HttpResponse:
    """Does what `how` says, once it has written."""
    thing = made()
    match how := request.POST.get("how", ""):
        case "raise":
            raise RuntimeError("no")
        case "raise-404":
            raise Http404("no")
        case "raise-400":
            raise SuspiciousOperation("no")
        case "nothing":
            return None  # type: ignore[return-value]
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stream":
            return StreamingHttpResponse([b"one", b"two"])
        case "file":
            return FileResponse(open(__file__, "rb"))
        case "long":
            return HttpResponse(b"x" * ((1 << 20) + 1))
        case "start":
            started = runs.start("tests.write_ledger", {}, user=request.user)
            return JsonResponse({"run": str(started.run.pk)}, status=202)
        case "caught":
            twice(thing)
        case "caught-409":
            twice(thing)
            return HttpResponse(status=409)
        case "bare-cookie":
            return HttpResponse(headers={"Set-Cookie": "basket=full"})
        case "200" | "404" | "401" | "403" | "409" | "422" | "429" | "503":
            return HttpResponse(how, status=int(how))
    answer = JsonResponse({"thing": thing.pk}, status=201)
    answer["Location"] = f"/things/{thing.pk}/"
    answer.set_cookie("basket", "empty")
    return answer


async def async_order(request: HttpRequest) -> HttpResponse:
    """The same, in a coroutine."""
    await asyncio.sleep(0)
    return await sync_to_async(order)(request)


class AsyncOrderView(View):
    """A class whose handlers are coroutines."""

    async def post(self, request: HttpRequest) -> HttpResponse:
        return await async_order(request)


class FileView(APIView):
    """A form with a file, which Django parses for a POST alone."""

    def put(self, request: Request) -> Response:
        return Response({"thing": made().pk, "file": request.data["file"].read().decode()})


class OrderView(APIView):
    """Of Django REST framework, which knows its callers by a token."""

    def post(self, request: Request) -> Response:
        thing = made()
        if request.data.get("how") == "caught":
            twice(thing)
        if request.data.get("how") == "refuse":
            raise ValidationError({"name": "no"})
        if request.data.get("how") == "raise":
            raise RuntimeError("no")
        return Response({"thing": thing.pk, "by": request.user.get_username()}, status=201)


class StaffView(OrderView):
    permission_classes = (IsAdminUser,)


@idempotent
@api_view(["POST"])
def order_function(request: Request) -> Response:
    return Response({"thing": made().pk}, status=201)


@api_view(["POST"])
@idempotent
def below(request: Request) -> Response:
    return Response(status=201)


class RestMethod(APIView):
    @method_decorator(idempotent)
    def post(self, request: Request) -> Response:
        return Response(status=201)


@method_decorator(csrf_exempt, name="dispatch")
class PlainMethod(View):
    @idempotent  # method_decorator is missing
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=201)


@method_decorator(idempotent, name="dispatch")
class DispatchView(OrderView):
    pass


class BySlug(BaseAuthentication):
    """Knows its callers by what the address has captured."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        return User.objects.get(username=request.parser_context["kwargs"]["slug"]), None


class SlugView(APIView):
    authentication_classes = (BySlug,)

    def post(self, request: Request, slug: str) -> Response:
        return Response({"thing": made().pk, "slug": slug}, status=201)


def by_address(request: HttpRequest) -> str:
    return request.META["REMOTE_ADDR"]


def by_terminal(request: HttpRequest) -> str | None:
    return request.headers.get("X-Terminal")


urlpatterns = [
    *example,
    path("order/", csrf_exempt(idempotent(order))),
    path("protected/", idempotent(order)),
    path("optional/", csrf_exempt(idempotent(required=False)(order))),
    path("open/", csrf_exempt(idempotent(scope=by_address)(order))),
    path("terminal/", csrf_exempt(idempotent(scope=by_terminal)(order))),
    path("of/<slug>/", idempotent(SlugView.as_view())),
    path("plain/of/<slug>/", SlugView.as_view()),
    path("async/", csrf_exempt(idempotent(async_order))),
    path("async-class/", csrf_exempt(idempotent(AsyncOrderView.as_view()))),
    path("rest/", idempotent(OrderView.as_view())),
    path("staff/", idempotent(StaffView.as_view())),
    path("file/", idempotent(FileView.as_view())),
    path("rest-function/", order_function),
    path("below/", below),
    path("rest-method/", RestMethod.as_view()),
    path("plain-method/", PlainMethod.as_view()),
    path("dispatch/", DispatchView.as_view()),
    path("plain/orders/", csrf_exempt(order)),
    path("plain/orders/draft/", csrf_exempt(order)),
    path("plain/async/", csrf_exempt(async_order)),
    path("plain/rest/", OrderView.as_view()),
]
