"""Operations whose run leaves a file to take away."""

from typing import Any

from headway import File, Operation, sources

from .forms import CountForm
from .scripted import Scripted
from .sources import Numbers


class WriteFileInSets(Operation):
    """Writes a row for each number that the script has nothing against, a chunk at a time."""

    permission = "signed-in"
    name = "tests.write_file_in_sets"
    file = File("numbers.csv", columns=("number",))

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script["items"]()
        return source

    def process_chunk(self, rows: list[int]) -> Any:
        told = [(number, Scripted.script["after"](self, number)) for number in rows]
        for number, verdict in told:
            if verdict is None:
                self.write({"number": number})
        return [(number, verdict) for number, verdict in told if verdict is not None]


class ExportNumbers(Operation):
    """Writes a row of a file for each number."""

    permission = "signed-in"
    name = "tests.export_numbers"
    params = CountForm
    file = File("numbers.csv", columns=("number", "name", "square"))

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None:
        self.write({"number": number, "name": f"Number {number}, of all numbers", "square": number**2})


class ExportNumbersInParts(ExportNumbers):
    """The same in four parts."""

    name = "tests.export_numbers_in_parts"
    parts = 4
