"""Operations of which one run at a time is live for everybody, and what a second start gets."""

from typing import Any

from headway import Operation

from .forms import CountForm
from .models import LedgerEntry
from .sources import Numbers

__all__ = ["InLine", "Newest", "SideBySide"]


class Counted(Operation):
    """Writes as many rows into the ledger as it is told to."""

    permission = "signed-in"
    abstract = True
    params: Any = CountForm

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))

    def concurrency_key(self) -> Any:
        return "everybody"


class InLine(Counted):
    """Its runs stand in line, and each is short: at most three rows."""

    name = "tests.in_line"
    on_conflict = "queue"

    def items(self) -> Numbers:
        return Numbers(min(self.params["count"], 3))


class Newest(Counted):
    """Only the newest run counts."""

    name = "tests.newest"
    on_conflict = "replace"


class SideBySide(Counted):
    """As many as are started."""

    name = "tests.side_by_side"
    on_conflict = "allow"
