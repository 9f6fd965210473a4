"""The stock service."""

from django.contrib import admin
from django.urls import include, path

from .views import move, run_ended

urlpatterns = [
    path("moves/", move),
    path("hooks/headway/", run_ended),
    path("admin/", admin.site.urls),
    path("api/", include("headway.http.urls")),
    path("", include("headway.ui.urls")),
]
