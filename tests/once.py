"""Which cases of a test run on SQLite alone, where the others run on both databases."""

from typing import Any

import pytest


def once(*cases: Any) -> list[Any]:
    """These cases of a parametrised test, marked `once`: those beside them show the database's part."""
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.once) for case in cases]
