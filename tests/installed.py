"""An empty environment with the wheel, built from this tree: what somebody has who installs Headway.

What the wheel needs it sees through links, where the tests have it: so `pip install` needs no network, and takes a
second.
"""

import re
import site
import socket
import subprocess
import sys
from pathlib import Path

__all__ = ["environment", "free_port", "install", "wheel"]

ROOT = Path(__file__).resolve().parents[1]
OURS = re.compile(r"headway|__editable__|_django_headway", re.IGNORECASE)


def environment(home: Path) -> Path:
    """The Python of a fresh virtual environment, which has all but Headway."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    others = home / "others"
    others.mkdir()
    for place in site.getsitepackages():
        for found in Path(place).iterdir():
            if not OURS.search(found.name):
                (others / found.name).symlink_to(found)
    [packages] = (home / "venv/lib").glob("python*/site-packages")
    (packages / "others.pth").write_text(f"{others}\n")
    return home / "venv/bin/python"


def wheel(home: Path) -> Path:
    """The folder with the wheel, built from this tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(home / "dist")],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return home / "dist"


def install(python: Path, package: Path) -> None:
    """Install this file into that environment, as pip does without a network."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-build-isolation", str(package)], check=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
