"""The class that users subclass. A wrong declaration fails here, when the class is made, not in a worker at night."""

import inspect
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.forms import BaseForm
from django.utils.functional import Promise

from headway.errors import DeclarationError, NotKept

from . import declarations
from .again import Retry, Tolerance
from .context import Context
from .effects import Effect, Effects
from .kept import BAD_KEY, File
from .outcomes import TryAgain
from .rates import Rate
from .sources.copied import key_texts
from .steps import ALONE, StepsSource, check_figures, titles_of

LONGEST_SILENCE = 3600.0  # s: a step that says nothing may be one long statement

by_name: dict[str, "type[Operation]"] = {}
"""All operations, under every name that each has had; `registry` looks them up."""


class Operation:
    """What the items are, and what is done to one.

    `process` runs inside the chunk's transaction, which also holds the checkpoint, so its effects in this database
    happen exactly once. It may run more than once for an item whose chunk is rolled back, and only its last run
    counts: then with the item read again, and on an operation made anew. What can't be rolled back (mail, HTTP)
    is done under `effects = "outside"`.

    An item ends as succeeded when `process` returns, as skipped or failed when it raises `Skip` or `Reject`, and as
    failed when it raises anything else, unless `retry` covers that, or it raises `TryAgain`: then a later pass does it
    again. `Wait` lets the run go on later, and `Stop` ends it.
    """

    abstract: ClassVar[bool] = False
    """True in the class's own body: a base for others, not an operation."""

    name: ClassVar[str]
    """`app_label.class_name` in snake case, unless given."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Names that it had before, the oldest first: runs that were started under them are its own. Keep them for as long
    as there is such a run. A subclass doesn't inherit them."""

    title: ClassVar[str | Promise]
    """What people call it; from the class's name, unless given."""

    do_not_call_in_templates: ClassVar[bool] = True
    """A template shows the class's words; Django would make an instance of it."""

    params: Any = None
    """On the class: a Django form class, or None. On an instance: its cleaned data. A form whose constructor has a
    parameter `user` gets who starts the run; None is code that names nobody."""

    form: ClassVar[type[BaseForm] | None] = None
    """The form class that was declared as `params`."""

    error_codes: ClassVar[dict[type[Exception], str]] = {}
    """The code with which an item fails for an exception; the first class that matches. Otherwise "error"."""

    on_conflict: ClassVar[str] = "join"
    """What a start gets while a run with the same concurrency key is live: "join" (it, when the parameters are the
    same), "reject", "queue" (a run that begins when the live one has ended), "replace" (the live one is cancelled
    first) or "allow" (a run beside it)."""

    permission: ClassVar[str | None] = None
    """Who may start it from Headway's pages and HTTP API: users with this permission, such as "airports.add_airport",
    or "signed-in". None: staff alone. Views of your own decide for themselves: `runs.start` refuses only a user who
    lacks what is declared."""

    one_run_per: ClassVar[str] = "user"
    """Of what there is at most one live run: "user" (each user may have one), "operation" (one for all users), or
    "params" (one for each set of parameters, for all users). Anything else says `concurrency_key`."""

    require_idempotency_key: ClassVar[bool] = False
    """Whether a person's or a program's start must carry an idempotency key; code may do without."""

    queue: ClassVar[str] = "headway"
    """Which workers do it: those of this queue. Workers of the queue "headway" also do what no queue is known of."""

    steps: ClassVar[tuple[str, ...] | Mapping[str, Any]] = ()
    """In place of items: the names of methods, such as ("download", "convert", "publish"), or names with what people
    call them. Each is called once, without an argument, in this order, and is the item of its name; so a run goes on
    behind the last that has ended. No transaction is around a step: a worker that is killed in one leaves what it has
    done by then, and the step is done again from its beginning. A step that fails ends the run, and a retry begins with
    it. An operation of one long step declares `def run(self)` alone; in it, too, `self.run` is the run."""

    item_timeout: ClassVar[float] = 60.0
    """Seconds after which an item is hung: its worker is replaced, and the item counts as the cause of a death. A step
    may be silent for so long between two calls of `progress`, and an hour unless this is declared."""

    parts: ClassVar[int] = 1
    """Into how many ranges a run is divided, which as many workers may advance at once. Its source must be able to
    `split`: a queryset, a selection and an NDJSON file are, a CSV file isn't."""

    threads: ClassVar[int] = 1
    """How many items each worker may `prepare` at once."""

    effects: ClassVar[str] = "inside"
    """Where an item's effects happen. "inside": in this database, in the chunk's transaction, exactly once. "outside":
    in other systems (mail, HTTP), with no transaction around `process`, which runs on `threads`. Before an item is
    begun it is on record that it will be; so after a crash each item that may have gone out is known, and none is
    silently done twice."""

    window: ClassVar[int | None] = None
    """With effects outside: how many items may be under way at once, and so in doubt after a crash, from `threads` on.
    None: twice as many, so that no thread waits for a commit."""

    in_doubt: ClassVar[str] = "list"
    """With effects outside: what becomes of an item whose worker died while it was under way. "list": it fails with the
    code "in-doubt", until a person says whether it went out. "again": it is done again, under the same keys, where the
    other side keeps them. "settle": `settle` finds out."""

    version: ClassVar[str] = ""
    """Change it where the new code must not go on with what the old one has begun: a live run then waits for a person,
    whose resume lets it go on under this version. Up to 64 characters."""

    retry: ClassVar[Retry] = Retry()
    """Which errors are tried again in later passes: `Retry(on=ConnectionError, attempts=5)`. By default only what
    raises `TryAgain`."""

    rate: ClassVar[str | Rate | None] = None
    """How often an item may be begun, over all workers and runs: "50/s", "100/min", "1000/h", "500/d", or
    `Rate("50/s", name="stripe")`, which several operations share. It counts calls of `process` with effects outside,
    else of `prepare` where that is declared, else items of `process` or `process_chunk`. None: as often as it goes."""

    lock_rows: ClassVar[bool] = False
    """Whether each row is locked from when it is read, inside its chunk's transaction, to that chunk's end
    (`select_for_update`). Its source must be a queryset or a selection; SQLite has no such locks, and needs none."""

    tolerance: ClassVar[Tolerance | None] = None
    """How many failures pause the run, or let it fail: `Tolerance(percent=5)`. None: it pauses only where the first 50
    items all fail, nearly all with the same unexpected error."""

    holds: Any = ()
    """Names of what two runs must not work on at once, whatever their operations: `holds = ("stock",)`, or a method
    that makes them of the parameters as the run is started: `def holds(self): return [f"account:{…}"]`. At most 20.
    A run begins once it holds all of them, and gives them back when it pauses or ends; see `fence`."""

    keep_results: ClassVar[bool] = False
    """Whether what `process` returns (JSON) is kept for each item that succeeds."""

    file: ClassVar[File | None] = None
    """The file that a run leaves to take away: `File("airports.csv", columns=("icao", "name"))`; see `write`."""

    discovers: ClassVar[bool] = False
    """Whether items `add` others on the way. Its source must tell the keys that it begins with: `sources.roots`, or a
    selection. While such a run lasts, its total is what is known so far."""

    keep: ClassVar[timedelta | None] = None
    """How long a run is kept after its end, with its outcomes and files; then workers delete it. `timedelta.max`: for
    ever. None: as HEADWAY["KEEP"] says. A run that was retried stays as long as the retry."""

    schedule: ClassVar[str | None] = None
    """When it starts by itself, as cron says it: "0 3 * * *" is each day at three; a sixth field, before the others, is
    seconds. Each tick starts one run, whatever workers there are, as code does that names no user: what is live then is
    joined, or what `on_conflict` says. Needs the extra `schedules`. A subclass doesn't inherit it."""

    schedule_zone: ClassVar[str | None] = None
    """The time zone in which `schedule` is meant, such as "Europe/Berlin"; None: the project's TIME_ZONE."""

    schedule_params: ClassVar[dict[str, Any]] = {}
    """With which parameters a tick starts it, as `runs.start` takes them."""

    missed: ClassVar[str] = "once"
    """What becomes of ticks at which no worker was there, nor within a minute: "once" starts one run for all of them as
    soon as a worker is there again, "never" none."""

    step_titles: ClassVar[dict[str, Any]] = {}
    """What people call each of its steps."""

    _alone: ClassVar[Any] = None
    """What was declared as `run`."""

    def __init__(self, context: Context) -> None:
        self.params = context.params
        self.user = context.user
        self.attempt = 1
        """In `process`: which attempt at this item it is (`retry`). An interruption is none."""
        self.say = context.say
        self._effects: Effects | None = None
        self._context = context
        self._add = context.add
        self._progress = context.progress

    @property
    def run(self) -> Any:
        """The run: `id`, `retry_of`, `dry_run`, and `counts()`, which gives how many items have ended: `succeeded`,
        `failed`, `skipped`, and `processed`, their sum. None before it exists (in `concurrency_key`)."""
        return self._context.run

    def items(self) -> Any:
        """Where the items come from: a source, a queryset, a list or a range; or it yields pairs, `yield key, item`.
        Called by each worker anew; must name the same items each time."""
        return StepsSource(self.step_titles)  # else __init_subclass__ demands it

    def prepare(self, item: Any) -> Any:
        """What is slow and may be repeated (HTTP reads, images, pure computation), before the transaction.

        What it returns is handed on: `process(self, item, prepared)`. With `threads` above 1 it is called in threads,
        on as many items at once. What it raises is the item's verdict, as if `process` had raised it. It may run more
        than once for an item, also when the item is never done: so it must leave no effects behind.
        """
        raise NotImplementedError  # never reached: only called where it is declared

    def process(self, *args: Any, **kwargs: Any) -> Any:
        """Do one item: `process(self, item)`, or `process(self, item, prepared)` where `prepare` is declared."""
        (step,) = args  # else __init_subclass__ demands it
        return self._alone() if step == ALONE and self._alone else getattr(self, step)()

    def process_chunk(self, rows: Any) -> Any:
        """Do all items of a chunk, in place of `process`: as many as the time for one allows, at most 4,000.

        `rows` is a queryset of the chunk's rows where the source is a queryset or a selection, otherwise a list of its
        items. When it returns, all of them have succeeded, but for those that it returns with what they ended with:
        pairs such as `(row, Reject("city-missing"))`; what was written for these stays. When it raises, the chunk is
        undone and done in halves, down to a single item, for which an error means what it means in `process`; only
        `Wait` and `Stop` are heeded at once.
        """
        raise NotImplementedError  # never reached: only called where it is declared

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row to the run's file, in `process` or `process_chunk`; it is stored or undone with the item's effects.

        Raises NotKept, which fails the item, when the row isn't a dictionary of the file's columns, or a value can't be
        said in JSON; and RuntimeError anywhere else.
        """
        if self.file is None:
            raise RuntimeError('write() needs a file: declare file = File("name.csv", columns=(…)) on the operation.')
        self._context.write(self.file.line(row))

    def fence(self, name: str) -> int:
        """The number of this taking of a name that the run `holds`: higher than that of every taking before it. Hand it
        to a system outside that refuses numbers below the highest it has seen: then only the present holder changes it.
        """
        held = self._context.fences
        if name not in held:
            why = f"the run holds {', '.join(held) or 'nothing yet'}. Let `holds` name it, too."
            if not self.holds:
                why = f"the operation declares no holds. Declare holds = ({name!r},)."
            raise RuntimeError(f"fence({name!r}): {why}")
        return held[name]

    def add(self, keys: str | Iterable[Any]) -> None:
        """Add items to the run, by the keys with which its source fetches them (one, or many), in `process` or
        `process_chunk`. They are stored or undone with the item's effects, and done when the rest is, each key once in
        a run and its retries: one that is known already is passed over.

        Raises NotKept, which fails the item, for what can't be a key; and RuntimeError anywhere else.
        """
        if not self.discovers:
            raise RuntimeError(
                "add() needs discovers = True on the operation: so the run says that its total may grow."
            )
        try:
            self._add(key_texts(keys, "add()"))
        except (TypeError, ValueError) as error:
            raise NotKept(BAD_KEY, str(error)) from error

    def progress(self, done: float | None = None, total: float | None = None) -> None:
        """How far the step under way has come, for all who watch; call it as often as you like, from any thread.

        Where the run is to pause or to be cancelled, or the worker to stop, it doesn't return: it raises what ends the
        step (no Exception; use `finally`), which is done again from its beginning when the run goes on. A step that
        doesn't call it is waited for. Raises RuntimeError outside steps.
        """
        if not self.has_steps():
            raise RuntimeError("progress() is for steps: an operation with items counts them by itself.")
        check_figures(done, total)
        self._progress(done, total)

    def effect(self, name: str) -> Effect:
        """An effect of the item in hand, in `process` and `settle` under `effects = "outside"`:

            with self.effect("mail") as effect:
                send(…, key=effect.key)

        An item of several effects gives each a name of its own, and asks `effect.done` before it does it again.
        """
        if self._effects is None:
            raise RuntimeError('self.effect() is there in `process` and `settle`, under `effects = "outside"`.')
        return self._effects(name)

    def settle(self, item: Any) -> bool:
        """Whether an item that is in doubt went out: ask the other side for `self.effect("…").key`. False: it is done
        again, so a call that lands late is then a second one."""
        raise NotImplementedError  # never reached: only called where it is declared

    def concurrency_key(self) -> Any:
        """What at most one live run of this operation may have: any JSON value. By default, what `one_run_per` says."""
        if self.one_run_per == "operation":
            return None
        if self.one_run_per == "params":
            return self._context.fingerprint
        return None if self.user is None else str(self.user.pk)

    def on_start(self) -> None:
        """Called once, in the transaction that freezes the run's bounds; for a retry too (see `self.run.retry_of`)."""

    def on_finish(self) -> Any:
        """Called once, in the transaction that ends the run; what it returns (JSON) is the run's result.

        Not called for a run that was cancelled or stopped.
        """

    def label(self, item: Any) -> str | None:
        """What people call this item in lists of failures; None: what its source calls it."""
        return None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every name that it has had, the oldest first."""
        return (*cls.aliases, cls.name)

    @classmethod
    def code_for(cls, error: Exception) -> str:
        """The code with which an item fails for this exception."""
        if isinstance(error, TryAgain):
            return "tried-too-often"
        if isinstance(error, NotKept):
            return error.code
        return next((code for kind, code in cls.error_codes.items() if isinstance(error, kind)), "error")

    @classmethod
    def has_dry_run(cls) -> bool:
        """Whether it can be tried without effects: those outside the database, and of steps, couldn't be undone."""
        return not (cls.is_outside() or cls.has_steps())

    @classmethod
    def declares(cls, method: str) -> bool:
        """Whether this method, such as `prepare`, is its own, and so there to be called."""
        return getattr(cls, method) is not getattr(Operation, method)

    @classmethod
    def has_steps(cls) -> bool:
        """Whether it has steps in place of items."""
        return bool(cls.steps)

    @classmethod
    def is_outside(cls) -> bool:
        """Whether its items' effects happen outside this database."""
        return cls.effects == "outside"

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the class's docstring, or nothing."""
        return (inspect.getdoc(cls) or "").split("\n\n")[0] if cls.__doc__ else ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract = cls.__dict__.get("abstract", False)
        cls.aliases = cls.__dict__.get("aliases", ())
        cls.schedule = cls.__dict__.get("schedule")
        if "run" in cls.__dict__:
            cls._alone = cls.__dict__["run"]
            del cls.run  # so that `self.run` is the run, as everywhere
        if cls.abstract:
            return
        declarations.check(cls, Operation)
        cls.form = cls.params
        if cls._alone:
            cls.steps = (ALONE,)
        if cls.steps and not any("item_timeout" in vars(base) for base in cls.__mro__ if base is not Operation):
            cls.item_timeout = LONGEST_SILENCE
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", cls.__name__).split()
        if "title" not in cls.__dict__:
            cls.title = " ".join(words).capitalize()
        cls.step_titles = {ALONE: cls.title} if cls._alone else titles_of(cls.steps)
        if "name" not in cls.__dict__:
            cls.name = f"{app_label(cls)}.{'_'.join(words).lower()}"
        register(cls)


def register(cls: type[Operation]) -> None:
    """Note a class under its names. Raises DeclarationError when another class has one of them already."""
    for name in cls.names():
        there = by_name.get(name)
        if there and (there.__module__, there.__qualname__) != (cls.__module__, cls.__qualname__):
            former = name in cls.aliases or name in there.aliases
            raise DeclarationError(
                f"Two operations are called {name!r}: {there.__module__}.{there.__qualname__} and "
                f"{cls.__module__}.{cls.__qualname__}. "
                + ("Take it out of the `aliases` of one." if former else "Rename one, or give it a `name` of its own.")
            )
    by_name.update(dict.fromkeys(cls.names(), cls))


def app_label(cls: type[Operation]) -> str:
    """The label of the app in whose module the class stands."""
    if not apps.apps_ready:
        raise DeclarationError(
            f"{cls.__module__}.{cls.__qualname__} is imported before Django's apps are loaded. "
            "Keep operations in operations.py; import them from there, not from models.py or __init__.py."
        )
    config = apps.get_containing_app_config(cls.__module__)
    if config is None:
        raise DeclarationError(
            f"{cls.__module__}.{cls.__qualname__} stands in no installed app, so it has no name. "
            "Move it into an app's operations.py, or give it one: name = 'app.operation'."
        )
    return config.label
