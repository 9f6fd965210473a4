"""docs/how-to/services.md shows the example's own code."""

import re

import pytest

from servers.server import ROOT

PAGE = (ROOT / "docs/how-to/services.md").read_text()
CODE = [path.read_text() for path in (ROOT / "example/services").rglob("*.py")]


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
def test_each_block_of_the_page_is_the_examples(block: str) -> None:
    assert any(block in code for code in CODE), block
