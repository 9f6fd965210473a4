"""The watch URLs; `headway.http.urls` includes them under the namespace `headway`."""

from django.urls import path

from . import (
    run_ids,  # noqa: F401  (registers the converter)
    views,
)

urlpatterns = [
    path("runs/<headway_run:id>/wait/", views.wait, name="run-wait"),
    path("runs/<headway_run:id>/events/", views.run_events, name="run-events"),
    path("events/", views.events, name="events"),
]
