"""The matrix of versions: each Django that Headway names, with each Python that this Django knows, on the built wheel.

`make matrix` runs it: an interpreter that isn't on this machine is said, and is an error where CI is set. What is
installed beside Django is as requirements/dev.txt locks it.
"""

import os
import re
from pathlib import Path

import nox

PYTHONS = {
    "5.2": ("3.11", "3.12", "3.13", "3.14"),
    "6.0": ("3.12", "3.13", "3.14"),
    "6.1": ("3.12", "3.13", "3.14"),
}
CELLS = [(python, django) for django, pythons in PYTHONS.items() for python in pythons]

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"

# pyenv's `python3.12` answers only where that version is chosen: here all that it has are.
if found := sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*")):
    os.environ["PYENV_VERSION"] = ":".join(version.name for version in found)


@nox.session
@nox.parametrize(("python", "django"), CELLS, ids=[f"django-{django}-python-{python}" for python, django in CELLS])
def matrix(session: nox.Session, django: str) -> None:
    """The fast tests, those of the protocol and those of idempotent views, on SQLite."""
    session.install("--requirement", str(without_django(session)), f"django=={django}.*", built(session))
    session.run("python", "-c", WHICH)
    session.run(
        "python",
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "-m",
        "not slow and not alone and not crowd",
        *FOLDERS,
        *session.posargs,
    )


WHICH = (
    "import sys, django, headway; assert 'site-packages' in headway.__file__, headway.__file__; "
    "print('Python', sys.version.split()[0], 'Django', django.__version__)"
)
FOLDERS = ("tests/unit", "tests/contracts", "tests/idempotency")  # what leans on Django most


def without_django(session: nox.Session) -> Path:
    """The lock of development but for Django itself, which the cell chooses."""
    locked = Path("requirements/dev.txt").read_text(encoding="utf-8")
    others = Path(session.create_tmp()) / "others.txt"
    others.write_text(re.sub(r"^django==.*?(?=^\S)", "", locked, flags=re.DOTALL | re.MULTILINE), encoding="utf-8")
    return others.absolute()


def built(session: nox.Session) -> str:
    """The wheel, made from this tree."""
    folder = Path(session.create_tmp()) / "wheel"
    session.run_install("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), external=True)
    [wheel] = folder.glob("*.whl")
    return str(wheel)
