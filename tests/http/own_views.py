"""Views of a project's own that start runs and catch nothing; below them the example's addresses."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from headway import runs
from headway.runs import start


def plain(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(start(name, request.GET.dict(), user=request.user).run.pk)


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def uploaded(request: HttpRequest, name: str) -> HttpResponse:
    sent = request.POST.copy()
    sent.update(request.FILES)
    return JsonResponse(start(name, sent, user=request.user).run.params)


async def patient(request: HttpRequest, name: str) -> HttpResponse:
    return await sync_to_async(plain)(request, name)


def retry(request: HttpRequest, run_id: str) -> HttpResponse:
    return HttpResponse(runs.retry(run_id, user=request.user).run.pk)


class Framework(APIView):
    authentication_classes = [SessionAuthentication]

    def get(self, request: Any, name: str) -> Response:
        return Response(str(start(name, request.query_params.dict(), user=request.user).run.pk))

    def post(self, request: Any, name: str) -> Response:
        return Response(start(name, request.data, user=request.user).run.params)


urlpatterns = [
    path("broken/", broken),
    path("plain/<str:name>/", plain),
    path("uploaded/<str:name>/", uploaded),
    path("patient/<str:name>/", patient),
    path("framework/<str:name>/", Framework.as_view()),
    path("retry/<str:run_id>/", retry),
    path("", include("example.urls")),
]
