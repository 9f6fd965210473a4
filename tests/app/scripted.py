"""Operations that do what the test has put into a script."""

from typing import Any, ClassVar

from headway import File, Operation, Retry, Tolerance, sources

from .models import LedgerEntry
from .sources import Numbers


class Scripted(Operation):
    """Does to each number what the test has put into `script`; by default it writes it into the ledger."""

    permission = "signed-in"
    name = "tests.scripted"
    script: ClassVar[dict[str, Any]] = {}

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = self.script.get("items", lambda: Numbers(5))()
        return source

    def on_start(self) -> None:
        self.script.get("on_start", lambda: None)()

    def process(self, number: int) -> None:
        self.script.get("before", lambda operation, number: None)(self, number)
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
        self.script.get("after", lambda operation, number: None)(self, number)

    def on_finish(self) -> Any:
        return self.script.get("on_finish", lambda: None)()


class ScriptedAgain(Scripted):
    """The same, and what can't be reached is tried three times."""

    name = "tests.scripted_again"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)


class ScriptedTolerant(Scripted):
    """The same, and pauses when more than two have failed."""

    name = "tests.scripted_tolerant"
    tolerance = Tolerance(count=2)


class ScriptedTolerantInParts(ScriptedTolerant):
    """The same in two parts."""

    name = "tests.scripted_tolerant_in_parts"
    parts = 2


class ScriptedStrict(Scripted):
    """The same, and fails when more than a tenth of at least 20 have failed."""

    name = "tests.scripted_strict"
    tolerance = Tolerance(percent=10, min_items=20, then="fail")


class ScriptedInSets(Operation):
    """Writes many numbers, or rows' keys, into the ledger by one statement."""

    permission = "signed-in"
    name = "tests.scripted_in_sets"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: Numbers(1_000))()
        return source

    def process_chunk(self, rows: Any) -> Any:
        items = [getattr(row, "pk", row) for row in rows]
        LedgerEntry.objects.bulk_create(LedgerEntry(run=self.run.id, item=str(item)) for item in items)
        return Scripted.script.get("chunk", lambda operation, rows: None)(self, rows)


class ScriptedInParts(Scripted):
    """The same by two workers at once."""

    name = "tests.scripted_in_parts"
    parts = 2


class ScriptedFile(Scripted):
    """The same, and each number writes a row of a file first."""

    name = "tests.scripted_file"
    file = File("squares.csv", columns=("number", "square"))

    def process(self, number: int) -> None:
        self.write({"number": number, "square": number**2})
        super().process(number)


class ScriptedOnlyFile(ScriptedFile):
    """The same, and nothing but the file."""

    name = "tests.scripted_only_file"

    def process(self, number: int) -> None:
        self.write({"number": number})
        self.script.get("after", lambda operation, number: None)(self, number)


class ScriptedFileInParts(ScriptedFile):
    """The same in four parts."""

    name = "tests.scripted_file_in_parts"
    parts = 4


class ScriptedResults(Scripted):
    """Gives what the script says, and keeps it; by default the square."""

    name = "tests.scripted_results"
    keep_results = True

    def process(self, number: int) -> Any:
        super().process(number)
        return self.script.get("result", lambda number: number**2)(number)


class ScriptedResultsAgain(ScriptedResults):
    """The same, and tries again."""

    name = "tests.scripted_results_again"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)


class OnlyResults(ScriptedResults):
    """The same, and nothing but the result."""

    name = "tests.only_results"

    def process(self, number: int) -> Any:
        return {"number": number, "square": number**2}
