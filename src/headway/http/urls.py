"""The HTTP contract's URLs; a project includes them wherever it likes."""

from django.urls import URLPattern

from headway.live.urls import urlpatterns as watch

app_name = "headway"

urlpatterns: list[URLPattern] = [
    *watch,
]
