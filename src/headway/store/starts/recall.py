"""A cache may remember which run a key names, so that a replay need not read the table of keys (HEADWAY["CACHE"]).

What it says is only a guess: the run itself is read in any case, and without a cache nothing but time is lost.
"""

from functools import partial
from uuid import UUID

from django.core.cache import caches
from django.db import transaction

from headway.conf import conf
from headway.fuse import Fuse

LASTS = 24 * 60 * 60  # s; a run that goes on for longer is noted again at a replay that had to ask the database

fuse = Fuse("cache")


def guess(name: str) -> UUID | None:
    """The id that was kept under this name; None: ask the database."""
    if not (alias := conf().cache):
        return None
    said = fuse.attempt(lambda: caches[alias].get(name))
    try:
        return None if said is None else UUID(str(said))
    except ValueError:
        return None  # another program's value


def keep(name: str, run_id: UUID) -> None:
    """Keep it, once this transaction is committed."""
    if conf().cache:
        transaction.on_commit(partial(store, name, run_id))


def store(name: str, run_id: UUID) -> None:
    alias = conf().cache
    fuse.attempt(lambda: caches[alias].set(name, str(run_id), LASTS))
