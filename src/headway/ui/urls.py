"""The pages' URLs; a project includes them wherever it likes."""

from django.urls import path
from django.views.generic import TemplateView

from headway.live import routes  # noqa: F401  (registers the converter)

from .pages import HomePage, RunPage
from .start import StartRunView
from .steer import ACTIONS, SettleView, SteerView

app_name = "headway_ui"

# By the application, since static files may be what is missing.
reload = TemplateView.as_view(template_name="headway/reload.js", content_type="text/javascript")

urlpatterns = [
    path("", HomePage.as_view(), name="home"),
    path("reload.js", reload, name="reload"),
    path("start/<str:name>/", StartRunView.as_view(), name="start"),
    path("runs/<headway_run:run_id>/", RunPage.as_view(), name="run"),
    path("runs/<headway_run:run_id>/settle/", SettleView.as_view(), name="settle"),
    *(
        path(f"runs/<headway_run:run_id>/{action}/", SteerView.as_view(action=action), name=action)
        for action in ACTIONS
    ),
]
