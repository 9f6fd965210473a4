"""The pages' URLs; a project includes them wherever it likes."""

from django.urls import URLPattern

app_name = "headway_ui"

urlpatterns: list[URLPattern] = []
