"""Environments with a package of Headway that was built from this tree: what somebody has who installs it.

What the package needs they see through links, where the tests have it: so `pip install` needs no network, and takes a
second.
"""

import re
import site
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from zipfile import Path as ZipPath

from packaging.requirements import Requirement

__all__ = ["ROOT", "bare_environment", "build", "environment", "free_port", "install"]

ROOT = Path(__file__).resolve().parents[1]
OURS = re.compile(r"headway|__editable__|_django_headway", re.IGNORECASE)


def environment(home: Path) -> Path:
    """The Python of a fresh virtual environment, which has all that the tests have but Headway."""
    found = (each for place in site.getsitepackages() for each in Path(place).iterdir())
    return made(home, (each for each in found if not OURS.search(each.name)))


def bare_environment(home: Path, package: Path, *extras: str) -> Path:
    """The same with what this wheel, with these extras, says that it needs, and no more."""
    [metadata] = [each for each in ZipPath(package).iterdir() if each.name.endswith(".dist-info")]
    lines = re.findall(r"^Requires-Dist: (.+)$", (metadata / "METADATA").read_text(encoding="utf-8"), re.MULTILINE)
    return made(home, set(needed(lines, extras)))


def needed(lines: Iterable[str], extras: Iterable[str]) -> Iterator[Path]:
    """What is installed of these requirements, and of theirs."""
    for line in lines:
        asked = Requirement(line)
        if asked.marker and not any(asked.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        there = distribution(asked.name)
        for name in {file.parts[0] for file in there.files or () if file.parts[0] not in ("..", "__pycache__")}:
            yield Path(str(there.locate_file(name)))
        yield from needed(there.requires or (), asked.extras)


def made(home: Path, others: Iterable[Path]) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    (home / "others").mkdir()
    for other in others:
        (home / "others" / other.name).symlink_to(other)
    [packages] = (home / "venv/lib").glob("python*/site-packages")
    (packages / "others.pth").write_text(f"{home / 'others'}\n")
    return home / "venv/bin/python"


def build(source: Path, kind: str, folder: Path) -> Path:
    """The package of this kind ("wheel" or "sdist") of a tree."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def install(python: Path, wheel: Path) -> None:
    """Install the wheel into that environment, as pip does without a network."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
