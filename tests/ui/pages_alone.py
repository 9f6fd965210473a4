"""The pages without the API."""

from django.contrib.auth import urls as sign_in
from django.urls import include, path
from django.views import View

urlpatterns = [
    path("", include("headway.ui.urls")),
    path("", include(sign_in)),
    path("swagger/", View.as_view(), name="swagger"),  # the example's pages link to it
]
