"""The watch URLs; `headway.http.urls` includes them under the namespace `headway`."""

from django.urls import path

from . import views

urlpatterns = [
    path("runs/<uuid:id>/wait/", views.wait, name="run-wait"),
    path("runs/<uuid:id>/events/", views.run_events, name="run-events"),
    path("events/", views.events, name="events"),
]
