"""manage.py headway_doctor: whether this installation keeps its promises, on one screen."""

import sys
from typing import Any

from headway.management.base import PrintingCommand
from headway.management.diagnosis import FAIL, OK, WARN, findings


class Command(PrintingCommand):
    help = (
        "Says of this installation whether it keeps Headway's promises: its database, workers, clock, addresses, "
        "static files, live delivery, uploads, schedules, and the servers that it names; each with what to do. Ends "
        "with 1 when something fails."
    )
    requires_system_checks: list[str] = []  # it tells them itself

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {OK: self.style.SUCCESS, WARN: self.style.WARNING, FAIL: self.style.ERROR}
        levels = []
        for about, finding in findings():
            levels.append(finding.level)
            self.stdout.write(f"{styles[finding.level](f'{finding.level:4}')}  {about:12}  {below(finding.text)}")
            if finding.advice:
                self.stdout.write(f"{'':20}{below(finding.advice)}")
        if FAIL in levels:
            sys.exit(1)


def below(text: str) -> str:
    """The text, whose further lines stand in the column of its first: a driver's error may have several."""
    return f"\n{'':20}".join(text.splitlines())
