"""The example's URLs, a small page, and the plain Django views that live delivery is compared with."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from example.urls import handler400, handler403, handler404, handler500, urlpatterns

from . import reference

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def page(request: HttpRequest) -> HttpResponse:
    """A small page, through all of the project's middleware; it reads the session and the user."""
    return HttpResponse(f"<!doctype html><title>Page</title><p>You are {request.user}.</p>")


urlpatterns = [
    path("page/", page),
    path("reference/asking/<uuid:id>/", reference.asking),
    path("reference/told/<uuid:id>/", reference.told),
    *urlpatterns,
]
