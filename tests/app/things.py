"""Operations over rows of the database."""

from headway import Operation, sources

from .models import Child, LedgerEntry, Thing
from .sources import Numbers


class AdoptChildren(Operation):
    """Every third child has a parent that isn't there; the database says so only at COMMIT."""

    permission = "signed-in"
    name = "tests.adopt_children"

    def items(self) -> Numbers:
        return Numbers(12)

    def on_start(self) -> None:
        Thing.objects.create(id=1, name="parent", code="parent")

    def process(self, number: int) -> None:
        Child.objects.create(thing_id=999 if number % 3 == 2 else 1)

    def on_finish(self) -> dict[str, int]:
        return {"children": Child.objects.count(), "failed": self.run.counts().failed}


class TouchThings(Operation):
    """A queryset as source."""

    permission = "signed-in"
    name = "tests.touch_things"

    def items(self) -> sources.Source[Thing]:
        return sources.queryset(Thing.objects.all())

    def process(self, thing: Thing) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=thing.code)


class TouchSelected(TouchThings):
    """A selection as source."""

    name = "tests.touch_selected"

    def items(self) -> sources.Source[Thing]:
        return sources.selection(Thing.objects.filter(name="chosen"))


class TouchInParts(TouchThings):
    """A queryset in parts."""

    name = "tests.touch_in_parts"
    parts = 4


class TouchSelectedInParts(TouchSelected):
    """A selection in parts."""

    name = "tests.touch_selected_in_parts"
    parts = 4
