"""`manage.py test`, for people who expect Django's command: it runs the suite, on both databases."""

import subprocess
import sys
from typing import Any

__all__ = ["PytestRunner"]


class PytestRunner:
    """Runs `python -m tests`, which is what `make test` runs."""

    def __init__(self, verbosity: int = 1, failfast: bool = False, **options: Any) -> None:
        self.arguments = (["-x"] if failfast else []) + (["-v"] if verbosity > 1 else [])

    def run_tests(self, labels: list[str], **kwargs: Any) -> int:
        """0 when every test passed, as Django expects it."""
        return subprocess.run([sys.executable, "-m", "tests", *self.arguments, *labels], check=False).returncode
