"""The watch URLs; `headway.http.urls` includes them under the namespace `headway`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
