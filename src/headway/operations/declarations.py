"""What an operation's class declares, judged when the class is made: it must be possible, and mean something."""

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, get_origin, get_type_hints

from django.forms import BaseForm
from django.utils.functional import Promise

from headway.errors import DeclarationError

from . import misspelt, schedules, steps
from .again import Retry, Tolerance
from .concurrency import OnConflict, names_of
from .kept import File
from .outcomes import Verdict, check_code, is_number
from .rates import Rate
from .sources import Source
from .sources.by_pairs import PairsSource
from .sources.table import TableSource
from .steps import takes

SIGNED_IN = "signed-in"  # a `permission` that every user has
PERMISSION = re.compile(r"\w+\.\w+")
QUEUE = re.compile(r"[\w.-]{1,100}")  # every broker takes such a name
NAME = re.compile(r"[\w.-]{1,200}")  # it is part of addresses, and of commands in a shell
REQUIRED = {"items": "def items(self): return sources.csv(…)", "process": "def process(self, item): …"}
OF_THE_RUN = ("items", "on_start", "on_finish", "concurrency_key")
OF_AN_ITEM = ("process", "label", "prepare", "process_chunk", "settle")
MOST_PARTS = 256  # whoever watches the run reads a row for each
MOST_THREADS = 256
LONGEST_VERSION = 64
ANY_VERSION = "*"  # of a run: that of the worker that goes on with it, once a person has resumed it
MOST_WINDOW = 1_000  # what is under way is written down anew with each commit
SCOPES = ("user", "operation", "params")
IN_DOUBT = ("list", "again", "settle")
MISSED = ("once", "never")

VALUES: dict[str, tuple[Callable[[Any], object], str]] = {
    "name": (
        lambda name: isinstance(name, str) and NAME.fullmatch(name),
        "it must be made of letters, digits, '.', '_' and '-', at most 200 of them, "
        "such as 'airports.import_airports'.",
    ),
    "aliases": (
        lambda names: (
            isinstance(names, tuple) and all(isinstance(name, str) and NAME.fullmatch(name) for name in names)
        ),
        "it must be a tuple of the names that it had before, the oldest first, such as ('airports.import_all',).",
    ),
    "title": (lambda title: isinstance(title, str | Promise), "it must be text."),
    "on_conflict": (lambda policy: policy in tuple(OnConflict), f"it must be one of {', '.join(OnConflict)}."),
    "permission": (
        lambda name: name in (None, SIGNED_IN) or (isinstance(name, str) and PERMISSION.fullmatch(name)),
        "it must name one with its app, such as 'airports.add_airport', or be 'signed-in'; None is for staff alone.",
    ),
    "one_run_per": (lambda scope: scope in SCOPES, f"it must be one of {', '.join(SCOPES)}."),
    "lock_rows": (lambda flag: isinstance(flag, bool), "it must be True or False."),
    "require_idempotency_key": (lambda flag: isinstance(flag, bool), "it must be True or False."),
    "queue": (
        lambda name: isinstance(name, str) and QUEUE.fullmatch(name),
        "it must be made of letters, digits, '.', '_' and '-', at most 100 of them, such as 'imports'.",
    ),
    "item_timeout": (
        lambda seconds: is_number(seconds) and 0 < seconds < math.inf,
        "it must be a number of seconds above 0.",
    ),
    "effects": (lambda where: where in ("inside", "outside"), "it must be 'inside' or 'outside'."),
    "window": (
        lambda count: count is None or (isinstance(count, int) and is_number(count) and 1 <= count <= MOST_WINDOW),
        f"it must be a whole number from 1 to {MOST_WINDOW}, or None.",
    ),
    "in_doubt": (lambda policy: policy in IN_DOUBT, f"it must be one of {', '.join(IN_DOUBT)}."),
    "version": (
        lambda text: isinstance(text, str) and len(text) <= LONGEST_VERSION and text != ANY_VERSION,
        f"it must be text of at most {LONGEST_VERSION} characters, such as '2', and not {ANY_VERSION!r}.",
    ),
    "keep": (
        lambda keep: keep is None or (isinstance(keep, timedelta) and keep > timedelta(0)),
        "it must be a timedelta above 0, such as timedelta(days=90), or None.",
    ),
    "discovers": (lambda flag: isinstance(flag, bool), "it must be True or False."),
    "keep_results": (lambda flag: isinstance(flag, bool), "it must be True or False."),
    "file": (
        lambda file: file is None or isinstance(file, File),
        'it must be a File, such as File("airports.csv", columns=("icao", "name")).',
    ),
    "missed": (lambda policy: policy in MISSED, f"it must be one of {', '.join(MISSED)}."),
    "schedule_params": (
        lambda given: isinstance(given, dict),
        "it must be a dictionary of parameters, such as {'year': 2026}.",
    ),
    "retry": (lambda retry: isinstance(retry, Retry), "it must be a Retry, such as Retry(on=ConnectionError)."),
    "tolerance": (
        lambda tolerance: tolerance is None or isinstance(tolerance, Tolerance),
        "it must be a Tolerance, such as Tolerance(percent=5).",
    ),
}
"""Of each attribute: whether a value is one, and what to write instead."""

KINDS: dict[str, Any] = {
    "abstract": bool, "error_codes": dict, "holds": tuple, "params": type, "parts": int, "rate": str | Rate,
    "schedule": str, "schedule_zone": str, "steps": tuple | Mapping, "threads": int,
}  # fmt: skip
"""Of what is judged further down: of what kind it is."""


def check(cls: Any, base: type[Any]) -> None:
    """Refuse what can't be meant. Raises DeclarationError with the class, the value and what would be right."""
    for fault in faults(cls, base):
        raise DeclarationError(f"{cls.__module__}.{cls.__qualname__}: {fault}")


def faults(cls: Any, base: type[Any]) -> Iterator[str]:
    """In the order in which they should be mended; what comes later may stumble over what came before."""
    yield from steps.faults(cls, base)
    yield from missing(cls)
    yield from of_sets(cls)
    yield from of_methods(cls)
    yield from of_signatures(cls)
    yield from misspelt.faults(cls, base, fits)
    yield from of_workers(cls)
    yield from of_values(cls)
    yield from of_effects(cls, base)
    yield from of_holds(cls)
    yield from of_rate(cls)
    yield from of_schedule(cls)
    yield from of_error_codes(cls)
    if cls.one_run_per != base.one_run_per and cls.declares("concurrency_key"):
        yield "one_run_per and concurrency_key both say of what there is one live run. Leave out one of them."


def fits(attribute: str, value: Any) -> bool:
    """Whether the value looks like one of this attribute's."""
    if attribute in VALUES:
        return bool(VALUES[attribute][0](value))
    return isinstance(value, KINDS.get(attribute, ()))


def missing(cls: Any) -> Iterator[str]:
    for method, example in REQUIRED.items():
        if cls.steps or cls._alone or (method == "process" and cls.declares("process_chunk")):
            continue
        if not cls.declares(method):
            yield f"{method} is missing; declare `{example}`."


def of_sets(cls: Any) -> Iterator[str]:
    """What doesn't go with `process_chunk`."""
    if not cls.declares("process_chunk"):
        return
    if cls.declares("process"):
        yield "process and process_chunk are both there, and an item is done once. Leave out one of them."
    if cls.declares("prepare"):
        yield "prepare is called for single items, but process_chunk does many at once. Leave out one of them."
    if cls.keep_results is True:
        yield "keep_results is for process: process_chunk returns nothing about items that succeed. Leave it out."
    if cls.lock_rows:
        yield "lock_rows is for process. In process_chunk, lock what you need: `rows.select_for_update()`."


def of_methods(cls: Any) -> Iterator[str]:
    for method in OF_THE_RUN + OF_AN_ITEM:
        own = getattr(cls, method)
        if not callable(own):
            yield f"{method} must be a method, not {own!r}."
        if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
            yield (
                f"{method} is async; a worker is synchronous, because Django's ORM has no async transactions. "
                "Use `def`."
            )
    for method in ("process", "prepare", "process_chunk"):
        if inspect.isgeneratorfunction(getattr(cls, method)):
            yield f"{method} has a `yield`, so it would do nothing. Use `return`."


def of_signatures(cls: Any) -> Iterator[str]:
    for method in OF_THE_RUN:
        if not takes(getattr(cls, method), 1):
            yield f"{method} must take nothing: `def {method}(self)`."
    for method in OF_AN_ITEM:
        if method == "process" and cls.declares("prepare"):
            if not takes(cls.process, 3):
                yield "process must take what prepare gives as well: `def process(self, item, prepared)`."
        elif method == "process_chunk":
            if not takes(cls.process_chunk, 2):
                yield "process_chunk must take the rows and nothing else: `def process_chunk(self, rows)`."
        elif not takes(getattr(cls, method), 2):
            yield f"{method} must take the item and nothing else: `def {method}(self, item)`."


def of_workers(cls: Any) -> Iterator[str]:
    """Parts and threads that can't be had."""
    for attribute, most in (("parts", MOST_PARTS), ("threads", MOST_THREADS)):
        count = getattr(cls, attribute)
        if not (isinstance(count, int) and is_number(count) and 1 <= count <= most):
            yield f"{attribute} is {count!r}; it must be a whole number from 1 to {most}."
    if cls.threads != 1 and not cls.declares("prepare") and not cls.is_outside():
        yield (
            f"threads is {cls.threads}, but only `prepare` runs on threads, and there is none. Move what is slow and "
            "can be repeated into `def prepare(self, item)`, declare effects = 'outside', or leave threads out."
        )
    source = declared_source(cls)
    if source is None:
        return
    yield from misfits(cls, source)
    if cls.parts != 1 and not source.can_split():
        yield (
            f"parts is {cls.parts}, but items() gives a {source.__name__}, which can't be split. Leave parts "
            "out, or use a source that has `split`: sources.queryset, sources.selection, sources.ndjson."
        )


def misfits(cls: Any, source: type[Source[Any]]) -> Iterator[str]:
    """What it declares of its items that can't be had of such a source."""
    if cls.lock_rows is True and not issubclass(source, TableSource):
        yield (
            f"lock_rows is True, but items() gives a {source.__name__}, which has no rows to lock. Leave lock_rows "
            "out, or use sources.queryset or sources.selection."
        )
    if cls.discovers is True and not source.tells_keys():
        yield (
            f"discovers is True, but items() gives a {source.__name__}, which can't tell the keys that it begins with. "
            "Use sources.roots or sources.selection, or leave discovers out."
        )


def of_effects(cls: Any, base: type[Any]) -> Iterator[str]:
    """What belongs to effects outside the database, or can't be had with them."""
    own_settle = cls.declares("settle")
    if not cls.is_outside():
        for attribute in ("window", "in_doubt"):
            if getattr(cls, attribute) != getattr(base, attribute):
                yield f"{attribute} has no meaning without effects = 'outside'. Declare that, or leave it out."
        if own_settle:
            yield "settle is called only with effects = 'outside'. Declare that, or leave settle out."
        return
    if cls.declares("prepare"):
        yield "prepare isn't called with effects = 'outside': process runs on threads itself. Do it there."
    if cls.declares("process_chunk"):
        yield "process_chunk works in the database, and effects = 'outside' is for what can't be undone. Use process."
    for attribute in ("lock_rows", "file"):
        if getattr(cls, attribute) != getattr(base, attribute):
            yield f"{attribute} belongs to a chunk's transaction, which effects = 'outside' has not. Leave it out."
    if own_settle != (cls.in_doubt == "settle"):
        yield "in_doubt = 'settle' and `def settle(self, item)` belong together: declare both, or neither."
    if isinstance(cls.window, int) and 1 <= cls.window < cls.threads:
        yield f"window is {cls.window}, fewer than its {cls.threads} threads: some would never have an item."


def of_rate(cls: Any) -> Iterator[str]:
    try:
        if not (cls.rate is None or isinstance(cls.rate, Rate)):
            Rate(cls.rate)
    except ValueError as error:
        yield str(error)


def of_schedule(cls: Any) -> Iterator[str]:
    if cls.schedule is not None:
        if fault := schedules.fault_of(cls.schedule, cls.schedule_zone):
            yield fault
        return
    for attribute in ("schedule_zone", "schedule_params", "missed"):
        if attribute in vars(cls):
            yield f"{attribute} has no meaning without a schedule. Declare schedule = '0 3 * * *', or leave it out."


def of_values(cls: Any) -> Iterator[str]:
    own = vars(cls)
    for attribute, (is_one, advice) in VALUES.items():
        if attribute in ("name", "title") and attribute not in own:
            continue  # it is made from the class's name
        value = getattr(cls, attribute)
        if not is_one(value):
            yield f"{attribute} is {value!r}; {advice}"
    declared = cls.params
    if declared is not None and not (isinstance(declared, type) and issubclass(declared, BaseForm)):
        yield f"params must be a Django form class, not {declared!r}."


def of_holds(cls: Any) -> Iterator[str]:
    if callable(cls.holds):
        if inspect.iscoroutinefunction(cls.holds) or not takes(cls.holds, 1):
            yield "holds must be a tuple of names, or a method that takes nothing: `def holds(self): return […]`."
        return
    try:
        names_of(cls.holds)
    except ValueError as error:
        yield f"holds: {error}"


def of_error_codes(cls: Any) -> Iterator[str]:
    if not isinstance(cls.error_codes, dict):
        yield f"error_codes must be a dictionary, not {cls.error_codes!r}."
    for kind, code in cls.error_codes.items():
        if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, Verdict):
            yield f"error_codes has the key {kind!r}; it must be an exception class, such as IntegrityError."
        try:
            check_code(code)
        except ValueError as error:
            yield f"error_codes: {error}"


def declared_source(cls: Any) -> type[Source[Any]] | None:
    """The class that `items` is annotated to return, if it is annotated with a class of sources, or that of what it
    yields; else unknown yet."""
    if inspect.isgeneratorfunction(cls.items):
        return PairsSource
    try:
        annotated = get_type_hints(cls.items).get("return")
    except Exception:  # noqa: BLE001  (names that only a type checker can find, or no function at all)
        return None
    found = get_origin(annotated) or annotated
    known = isinstance(found, type) and issubclass(found, Source) and not inspect.isabstract(found)
    return found if known else None
