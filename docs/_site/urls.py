"""Where the reference mounts Headway."""

from django.urls import include, path

urlpatterns = [path("api/", include("headway.http.urls")), path("", include("headway.ui.urls"))]
