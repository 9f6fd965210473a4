"""How far a rate's moments are given away, for all workers."""

from django.db import models

from .stored import Stored


class SharedRate(Stored):
    """One row for each rate. Each item that begins takes a moment; `free_at` is the first that nobody has taken.

    Deleting a row does no harm: the rate then begins anew.
    """

    name = models.CharField(max_length=200, primary_key=True, help_text="The operation's, or what several share.")
    free_at = models.BigIntegerField(help_text="The database's clock, in µs: a rate may have several moments in a ms.")
    changed = models.BigIntegerField(help_text="The database's clock, in ms.")

    def __str__(self) -> str:
        return self.name
