"""The versions that Headway says it runs on are those that the matrix tests."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLASSIFIERS = "\n".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"])
DJANGO = re.findall(r"^Framework :: Django :: ([\d.]+)$", CLASSIFIERS, re.MULTILINE)
PYTHON = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", CLASSIFIERS, re.MULTILINE)


def test_the_matrix_has_each_version_that_the_package_names() -> None:
    matrix = (ROOT / "noxfile.py").read_text()
    assert re.findall(r'^    "([\d.]+)": \(', matrix, re.MULTILINE) == DJANGO
    assert set(PYTHON) <= set(re.findall(r'"(3\.\d+)"', matrix))


def test_the_readme_names_the_same_versions() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"Django {spoken(DJANGO)} on Python {spoken(PYTHON)}" in readme


def spoken(versions: list[str]) -> str:
    return f"{', '.join(versions[:-1])} or {versions[-1]}"
