"""The HTTP contract's URLs; a project includes them wherever it likes."""

from django.urls import path, re_path

from headway.live.admission import callers
from headway.live.urls import urlpatterns as watch
from headway.operations import registry

from .callers import by_header
from .downloads import FORMATS, Failures, Results, Written
from .endpoint import Nowhere
from .items import Items, Settle
from .operations import Index, Operations, Start
from .runs import Cancel, Log, OneRun, Pause, Resume, Retry, Runs
from .watching import documented

app_name = "headway"

# One path for each operation and each format, so that each is typed in the schema; those behind them are for `reverse`.
starts = [
    path(f"operations/{operation.name}/runs/", Start.as_view(operation=operation)) for operation in registry.offered()
]
files = (Failures, Results, Written)
downloads = [
    path(f"runs/<headway_run:run_id>/{view.name}.{ending}", view.as_view(file_format=ending))
    for view in files
    for ending in FORMATS
] + [
    path(f"runs/<headway_run:run_id>/{view.name}.<str:file_format>", view.as_view(), name=f"run-{view.name}")
    for view in files
]

urlpatterns = [
    path("", Index.as_view(), name="index"),
    path("operations/", Operations.as_view(), name="operations"),
    *starts,
    path("operations/<str:name>/runs/", Start.as_view(), name="start"),
    path("runs/", Runs.as_view(), name="runs"),
    path("runs/<headway_run:run_id>/", OneRun.as_view(), name="run"),
    path("runs/<headway_run:run_id>/pause/", Pause.as_view(), name="run-pause"),
    path("runs/<headway_run:run_id>/resume/", Resume.as_view(), name="run-resume"),
    path("runs/<headway_run:run_id>/cancel/", Cancel.as_view(), name="run-cancel"),
    path("runs/<headway_run:run_id>/retry/", Retry.as_view(), name="run-retry"),
    path("runs/<headway_run:run_id>/items/", Items.as_view(), name="run-items"),
    path("runs/<headway_run:run_id>/items/settle/", Settle.as_view(), name="run-settle"),
    path("runs/<headway_run:run_id>/log/", Log.as_view(), name="run-log"),
    *downloads,
    *documented(watch),
    # So that an unknown address gets a problem too, wherever we are included; other apps may share our prefix.
    re_path(r"^(?:operations|runs|events)(?:/.*)?$", Nowhere.as_view()),
]

callers.register(by_header)
