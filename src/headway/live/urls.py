"""The watch URLs; `headway.http.urls` includes them under the namespace `headway`."""

from django.urls import path

from . import views  # and with it `routes`, which registers the converter

urlpatterns = [
    path("runs/<headway_run:run_id>/wait/", views.wait, name="run-wait"),
    path("runs/<headway_run:run_id>/events/", views.run_events, name="run-events"),
    path("events/", views.events, name="events"),
]
