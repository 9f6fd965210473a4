"""The start-up check of HEADWAY_METRICS, which does nothing by itself."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks

KEYS = ("DIRECTORY", "OPEN", "TOKEN")
PROBES = "headway.contrib.probes.probes"


@checks.register("headway")
def check_counting_package(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E033: HEADWAY_METRICS is set, and the package that counts isn't installed."""
    if not isinstance(getattr(settings, "HEADWAY_METRICS", None), dict) or find_spec("prometheus_client"):
        return []
    text = "HEADWAY_METRICS needs prometheus-client, which isn't installed."
    return [checks.Error(text, hint="Run: pip install 'django-headway[metrics]'", id="headway.E033")]


@checks.register("headway")
def check_metrics(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.W031: HEADWAY_METRICS is set, and nothing is counted, shown or written."""
    chosen = getattr(settings, "HEADWAY_METRICS", None)
    if not isinstance(chosen, dict):
        return []
    return [checks.Warning(fault, hint=hint, id="headway.W031") for fault, hint in faults(chosen)]


def faults(chosen: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do."""
    for key in sorted(map(str, set(chosen) - set(KEYS))):
        meant = "".join(f"Did you mean {close!r}? " for close in get_close_matches(key, KEYS, n=1))
        yield f"HEADWAY_METRICS has {key!r}, which means nothing.", f"{meant}There are: {', '.join(KEYS)}."
    if not apps.is_installed("headway.contrib"):
        fault = "HEADWAY_METRICS is set, and INSTALLED_APPS has no headway.contrib: nothing is counted."
        yield fault, 'Add "headway.contrib" to INSTALLED_APPS.'
    if PROBES not in settings.MIDDLEWARE:
        fault = f"HEADWAY_METRICS is set, and MIDDLEWARE has no {PROBES}: there is no /metrics."
        yield fault, f'Put "{PROBES}" first in MIDDLEWARE; or silence this check, where another process serves it.'
    if chosen.get("DIRECTORY") and not is_writable(Path(str(chosen["DIRECTORY"]))):
        fault = f'This process can\'t write to HEADWAY_METRICS["DIRECTORY"], {str(chosen["DIRECTORY"])!r}.'
        yield fault, "Name a folder that web processes and workers may write to; one that isn't there yet is made."


def is_writable(folder: Path) -> bool:
    """Whether files can be made in it, or the folder itself can be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
