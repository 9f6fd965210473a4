"""The orders service."""

from django.contrib import admin
from django.urls import include, path

from .views import place_order

urlpatterns = [
    path("orders/", place_order),
    path("admin/", admin.site.urls),
    path("api/", include("headway.http.urls")),
    path("", include("headway.ui.urls")),
]
