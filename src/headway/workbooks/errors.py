"""Why a file can't be read as a workbook."""

from headway.errors import Explained


class WorkbookError(Explained, ValueError):
    """The file as a whole can't be read; the sentence says why, and what to do. `code`: for programs."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)
