"""Whether this installation keeps its promises: what can be told from one process, each with what to do."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.shortcuts import resolve_url
from django.template.defaultfilters import filesizeformat
from django.utils.module_loading import import_string

from headway import addresses
from headway.conf import conf
from headway.database import now_ms
from headway.database.bounded import Bounded
from headway.engines import queues, start_worker
from headway.engines.engine import chosen
from headway.live import wrapper
from headway.models import LastTick
from headway.operations import files
from headway.operations.base import Operation
from headway.operations.schedules import GRACE_MS, IS_NEWS_MS, Schedule, schedule_of
from headway.redis_holds import RedisHolds
from headway.runs.starting import lasting_name
from headway.runs.ticks import next_tick, scheduled
from headway.runs.unmigrated import is_unmigrated
from headway.store.parts import workers
from headway.store.starts import ticks
from headway.wakeups.choice import channel_at

OK, WARN, FAIL = "ok", "warn", "fail"
LAPSES = {
    ticks.Lapse.NO_WORKER: "no worker saw it in time",
    ticks.Lapse.IN_THE_WAY: "another run was in the way",
    ticks.Lapse.FAILED: "its start went wrong; the worker's log says why",
}
CLOCKS_APART = 2.0  # s; a question and its answer take less
PATIENCE = 2.0  # s for a server's answer
SCRIPT = "headway/headway-run.js"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"


class Finding(NamedTuple):
    """One line of the screen."""

    level: str
    text: str
    advice: str = ""


def findings() -> Iterator[tuple[str, Finding]]:
    """All of them, each with what it is about, in the order in which they should be mended; without valid settings or
    a database no more can be told."""
    broken = list(of_settings())
    yield from (("settings", finding) for finding in broken or [Finding(OK, "The system checks find nothing.")])
    try:
        conf()
    except ImproperlyConfigured:
        return
    yield "database", (database := of_database())
    if database.level == FAIL:
        return
    yield from ((about, found_by(look)) for about, look in LOOKS.items())
    yield from of_servers()
    yield from (("schedule", finding) for finding in of_schedules())


def found_by(look: Callable[[], Finding]) -> Finding:
    """What it finds; where the project's own modules or settings raise, that."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  (whatever is wrong there is what people want to know)
        return Finding(FAIL, f"It can't be told: {type(error).__name__}: {error}", "Mend what raises this.")


def of_settings() -> Iterator[Finding]:
    for message in checks.run_checks(tags=["headway"]):
        if not message.is_silenced() and message.id != addresses.SIGN_IN_FAULT:  # `of_sign_in` tells that one
            level = FAIL if message.is_serious() else WARN
            yield Finding(level, f"{message.msg} ({message.id})", message.hint or "")


def of_database() -> Finding:
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        connection.ensure_connection()
        if is_unmigrated():
            return Finding(FAIL, "Headway's tables are missing or out of date.", "Run: manage.py migrate")
    except Error as error:
        return Finding(FAIL, f"It can't be reached: {error}".strip(), "See to it, and to DATABASES.")
    version = ".".join(map(str, connection.get_database_version()))
    return Finding(OK, f"{connection.display_name} {version}; Headway's tables are as this version needs.")


def of_workers() -> Finding:
    engine, alive = conf().engine, workers.alive()
    embedded = engine == "embedded"
    others = workers.without_doorbell() if embedded else workers.with_doorbell()
    start = f"Start: {start_worker()}"
    if not alive:
        silent = f"(all have left, or have been silent for {workers.HEARD_OF_MS // 1_000} s)"
        return Finding(FAIL, f"No worker is there {silent}: runs would wait. Engine {engine!r}.", start)
    text = f"{'1 worker has' if alive == 1 else f'{alive} workers have'} been heard of lately"
    if others:
        text = f"{text}, {others} of them {'not ' if embedded else ''}of headway_worker"
    if others == alive:
        return Finding(WARN, f"{text}: none is of the engine {engine!r}.", start)
    return Finding(OK, f"{text}, engine {engine!r}.")


def of_clock() -> Finding:
    apart = abs(now_ms() / 1_000 - time.time())
    if apart <= CLOCKS_APART:
        return Finding(OK, "This machine and the database have the same time.")
    text = f"This machine and the database are {apart:.1f} s apart: what is stored is by the database's clock."
    return Finding(WARN, text, "Let both follow a time server (NTP).")


def of_pages() -> Finding:
    pages, api = addresses.of_page("home"), addresses.of_api("index")
    if not pages and not api:
        advice = 'Add path("runs/", include("headway.ui.urls")) to the URLs (the extra: django-headway[api]).'
        return Finding(WARN, "Neither the pages nor the API are mounted.", advice)
    if not api:
        text = f"Mounted are the pages at {pages}, and no API: pages can't follow a run, and load themselves anew."
        advice = 'Add path("api/", include("headway.http.urls")) to the URLs.'
        return Finding(WARN, text, advice)
    there = [f"the {what} at {path}" for what, path in (("pages", pages), ("API", api)) if path]
    return Finding(OK, f"Mounted are {' and '.join(there)}.")


def of_sign_in() -> Finding:
    if not addresses.of_page("home"):
        return Finding(OK, "No pages of Headway are mounted that would ask for one.")
    if (fault := addresses.sign_in_fault()) and addresses.SIGN_IN_FAULT not in settings.SILENCED_SYSTEM_CHECKS:
        return Finding(FAIL, f"{fault} ({addresses.SIGN_IN_FAULT})", addresses.SIGN_IN_CURE)
    return Finding(OK, f"LOGIN_URL leads to {resolve_url(settings.LOGIN_URL)}.")


def of_static_files() -> Finding:
    """Of the server that will be asked for them, nothing can be told here."""
    collect = "Run: manage.py collectstatic, and serve STATIC_ROOT (WhiteNoise, or your proxy)."
    add = f"Add django.contrib.staticfiles to INSTALLED_APPS. {collect}"
    by_whitenoise, collected = WHITENOISE in settings.MIDDLEWARE, is_collected()
    if finders.find(SCRIPT) is None and not collected:
        return Finding(FAIL, f"{SCRIPT} can't be found: pages would load themselves anew, and never move.", add)
    if by_whitenoise and (collected or getattr(settings, "WHITENOISE_USE_FINDERS", settings.DEBUG)):
        return Finding(OK, f"WhiteNoise serves {SCRIPT} below {settings.STATIC_URL}, under any server.")
    if collected:
        text = (
            f"{SCRIPT} is collected. Your proxy must serve it below {settings.STATIC_URL}: uvicorn and gunicorn don't."
        )
        return Finding(OK, text)
    if not settings.DEBUG:
        return Finding(FAIL, "DEBUG is off, and the static files aren't collected.", collect)
    if not apps.is_installed("django.contrib.staticfiles"):
        return Finding(FAIL, "django.contrib.staticfiles isn't installed: not even runserver serves the files.", add)
    text = f"Only runserver serves {SCRIPT}. Under uvicorn and gunicorn it is a 404, and pages load themselves anew."
    return Finding(WARN, text, "For those servers add WhiteNoise, or run manage.py collectstatic for your proxy.")


def is_collected() -> bool:
    try:
        return bool(staticfiles_storage.exists(SCRIPT))
    except Exception:  # noqa: BLE001  (without STATIC_ROOT, or of whatever storage the project has)
        return False


def of_asgi() -> Finding:
    if getattr(asgi_application(), "__module__", "") == wrapper.__name__:
        return Finding(OK, "The ASGI application is headway.live.asgi's: streams and sockets are there.")
    text = "No ASGI application with live progress can be found: pages ask again every few seconds."
    advice = "Serve by ASGI, with application = headway.live.asgi(get_asgi_application()) in asgi.py."
    return Finding(WARN, text, advice)


def asgi_application() -> Any:
    """What ASGI_APPLICATION names, or what stands in asgi.py beside the root URLs; None: neither can be imported."""
    named = getattr(settings, "ASGI_APPLICATION", None)
    try:
        if named:
            return import_string(named)
        return import_module(f"{settings.ROOT_URLCONF.rpartition('.')[0]}.asgi".removeprefix(".")).application
    except (ImportError, AttributeError, ValueError):
        return None


def of_uploads() -> Finding:
    most, kept = conf().max_upload_bytes, files.folder()
    on_their_way = Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())
    folder, free = least_free([on_their_way, *([there(kept.absolute())] if kept else [])])
    text = f"Up to {filesizeformat(most)} may be sent at once; {folder} has {filesizeformat(free)} free."
    if kept:
        text = f"{text} Runs keep them in {kept.absolute()}."
    if free < most:
        return Finding(WARN, text, 'Make room there, or lower HEADWAY["MAX_UPLOAD_BYTES"].')
    return Finding(OK, f"{text} Your proxy must allow as much.")


def least_free(folders: Sequence[Path]) -> tuple[Path, int]:
    """That of these folders with the least room, and how many bytes."""
    return min(((folder, shutil.disk_usage(folder).free) for folder in folders), key=itemgetter(1))


def there(folder: Path) -> Path:
    """The folder; while it isn't there, the one in which it will be made."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def of_servers() -> Iterator[tuple[str, Finding]]:
    """One for each server that the project names beside its database: whether it answers."""
    holds, wake_ups = conf().holds, conf().wake_ups

    def listen() -> None:
        if there := channel_at(wake_ups, connection.vendor):
            with closing(there.listen(0)) as turns:
                next(turns)

    if conf().engine == "celery" and not any(fault.id == "headway.E009" for fault in chosen().faults()):
        down = Finding(FAIL, "Runs are started, and wait.", "Start it, or mend Celery's broker_url.")
        yield "broker", found_at("Celery's broker", lambda: chosen().waiting(queues.DEFAULT), down)
    if holds:
        down = Finding(FAIL, "Runs that hold names wait.", 'Start it, or mend HEADWAY["HOLDS"].')
        yield "holds", found_at("The server of HOLDS", lambda: RedisHolds(holds).release("headway_doctor", []), down)
    if "://" in wake_ups:
        late = "Workers on other machines find what is due by themselves, a little later."
        down = Finding(WARN, late, 'Start it, or mend HEADWAY["WAKE_UPS"].')
        yield "wake-ups", found_at("The server of WAKE_UPS", listen, down)


def found_at(server: str, question: Callable[[], Any], down: Finding) -> Finding:
    """Whether it answers. Of an error the kind alone: its text may have the address, with a password."""
    try:
        Bounded(question, PATIENCE)()
    except Exception as error:  # noqa: BLE001  (each client has its own)
        kind = type(error.__cause__ or error).__name__
        return down._replace(text=f"{server} doesn't answer ({kind}). {down.text}")
    return Finding(OK, f"{server} answers.")


def of_schedules() -> Iterator[Finding]:
    """One for each operation that has one: when it starts next, and what became of its last tick."""
    operations, now = scheduled(), now_ms()
    known = ticks.of(map(lasting_name, operations))
    for operation in operations:
        yield found_by(partial(of_schedule, operation, known.get(lasting_name(operation)), now))


def of_schedule(operation: type[Operation], known: LastTick | None, now: int) -> Finding:
    schedule = schedule_of(operation)
    assert schedule is not None
    text = f"{operation.name} ({schedule}): next {told(next_tick(operation, now), schedule)}."
    if silence := unseen(schedule, known, now):
        return Finding(WARN, f"{text} {silence}", f"Start: {start_worker()}")
    assert known is not None
    last = f"The last run is {known.run}." if known.run else "It has started no run yet."
    if known.missed is None or known.missed < min(known.tick, now - IS_NEWS_MS):
        return Finding(OK, f"{text} {last}")
    made_up = known.lapse == ticks.Lapse.NO_WORKER and operation.missed == "once"
    missed = f"Its tick of {told(known.missed, schedule)} was missed: {LAPSES[ticks.Lapse(known.lapse)]}."
    return Finding(OK if made_up or known.missed < known.tick else WARN, f"{text} {missed} {last}")


def unseen(schedule: Schedule, known: LastTick | None, now: int) -> str:
    """What says that no worker looks at the clock for it; "": one does."""
    if known is None or known.declared != str(schedule):
        return "No worker has seen this schedule yet."
    tick = schedule.next(known.tick)
    if tick is not None and tick < now - GRACE_MS:
        return f"No worker has seen its tick of {told(tick, schedule)}."
    if conf().engine == "django_tasks" or workers.alive():  # headway_reaper keeps time, too, and isn't heard of
        return ""
    return "No worker keeps time: that tick would be missed."


def told(tick: int | None, schedule: Schedule) -> str:
    """The moment, in the schedule's zone."""
    return "never" if tick is None else str(datetime.fromtimestamp(tick / 1000, ZoneInfo(schedule.zone)))


LOOKS: dict[str, Callable[[], Finding]] = {
    "workers": of_workers,
    "clock": of_clock,
    "addresses": of_pages,
    "sign-in": of_sign_in,
    "static files": of_static_files,
    "live": of_asgi,
    "uploads": of_uploads,
}
