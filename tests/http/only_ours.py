"""A project that mounts the API, and no schema."""

from django.urls import include, path

urlpatterns = [path("api/", include("headway.http.urls"))]
