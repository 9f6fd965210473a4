"""The keys of what items do outside the database, for a look at the other side."""

from uuid import UUID

from headway.models import Run
from headway.operations.effects import Effects

from .access import get


def effect_key(run: Run | UUID | str, key: str, name: str) -> str:
    """What `self.effect(name).key` is for the run's item with this key, as in `outcome.key`: the same in its retries.
    Raises RunNotFound."""
    found = get(run)
    return Effects(found.root_id or found.pk, key)(name).key
