"""The names that the run in hand holds, and whether it still does over Redis, where another service may want them."""

import logging

from headway import redis_holds
from headway.models import Run
from headway.redis_holds import Unreachable
from headway.store.parts import holds

log = logging.getLogger(__name__)


class HoldsLost(Exception):
    """Another service may hold what the run held: nothing may be begun, and what isn't committed must not be."""


class Holding:
    """For as long as a slice. In the run's own database nothing has to be asked: who owns a part has its holds."""

    def __init__(self, run: Run) -> None:
        self.run_id = run.pk
        self.held = holds.held_by(run.pk) if run.holds else holds.NOTHING
        self.server = redis_holds.server() if self.held else None

    def confirm(self) -> None:
        """Ask Redis, where the project holds names there, and renew them. Raises HoldsLost."""
        if self.server is None:
            return
        try:
            has_all = self.server.renew(self.held.owner, self.held.fences)
        except Unreachable as error:
            raise HoldsLost("The server of the holds doesn't answer.") from error
        if not has_all:
            raise HoldsLost("They have run out, or the server has forgotten them.")

    def renew(self) -> None:
        """By the heartbeat: whether they are lost, the next chunk finds out."""
        try:
            self.confirm()
        except HoldsLost as error:
            log.warning("run=%s event=holds-not-renewed reason=%r", self.run_id, str(error))
