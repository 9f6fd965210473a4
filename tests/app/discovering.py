"""Operations whose items add others: a tree of numbers, and a graph as the test scripts it."""

from typing import Any

from django import forms

from headway import Operation, Retry, sources

from .models import LedgerEntry, Thing
from .outside import script

__all__ = ["ScriptedWalk", "WalkTree", "below"]

WIDTH = 7


class TreeForm(forms.Form):
    nodes = forms.IntegerField(initial=100)


def below(node: int, nodes: int) -> list[int]:
    """The children of a node in a tree of so many, each with seven."""
    return [child for child in range(node * WIDTH + 1, node * WIDTH + WIDTH + 1) if child < nodes]


class WalkTree(Operation):
    """A tree from its root; each node also leads back to the root, to its parent and to the next node."""

    name = "tests.walk_tree"
    params = TreeForm
    discovers = True

    def items(self) -> sources.Source[str]:
        return sources.roots("0")

    def process(self, key: str) -> None:
        node, nodes = int(key), self.params["nodes"]
        self.add([0, max(0, node - 1) // WIDTH, (node + 1) % nodes, *below(node, nodes)])
        LedgerEntry.objects.create(run=self.run.id, item=key)


class WalkTreeInParts(WalkTree):
    """The same from two roots, by two workers that find each other's nodes."""

    name = "tests.walk_tree_in_parts"
    parts = 2

    def items(self) -> sources.Source[str]:
        return sources.roots(["0", "1"])


class ScriptedWalk(Operation):
    """Adds to each item what the test has put into `script` under "links", and writes it into the ledger."""

    name = "tests.scripted_walk"
    discovers = True
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = script().get("items", lambda: sources.roots("a"))()
        return source

    def process(self, item: Any) -> Any:
        self.walk(item)

    def walk(self, item: Any) -> None:
        key = str(getattr(item, "pk", item))
        self.add(script().get("links", {}).get(key, ()))
        LedgerEntry.objects.create(run=self.run.id, item=key)
        script().get("after", lambda operation, key: None)(self, key)


class ScriptedWalkPrepared(ScriptedWalk):
    """The same, each prepared by threads."""

    name = "tests.scripted_walk_prepared"
    threads = 4

    def prepare(self, item: Any) -> str:
        return f"prepared {item}"

    def process(self, item: Any, prepared: str) -> None:
        self.walk(item)


class ScriptedWalkOutside(ScriptedWalk):
    """The same with effects outside; the ledger stands for them."""

    name = "tests.scripted_walk_outside"
    effects = "outside"
    threads = 2


class ScriptedWalkInParts(ScriptedWalk):
    """The same in two parts."""

    name = "tests.scripted_walk_in_parts"
    parts = 2


class ScriptedWalkInSets(Operation):
    """The same by one call a chunk."""

    name = "tests.scripted_walk_in_sets"
    discovers = True

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = script().get("items", lambda: sources.roots("a"))()
        return source

    def process_chunk(self, rows: Any) -> Any:
        keys = [str(getattr(row, "pk", row)) for row in rows]
        for key in keys:
            self.add(script().get("links", {}).get(key, ()))
        LedgerEntry.objects.bulk_create(LedgerEntry(run=self.run.id, item=key) for key in keys)
        return script().get("chunk", lambda operation, keys: None)(self, keys)


class ScriptedWalkOfThings(ScriptedWalk):
    """Rows, of which a selection is the beginning."""

    name = "tests.scripted_walk_of_things"

    def items(self) -> sources.Source[Any]:
        return sources.selection(Thing.objects.filter(name="root"))
