"""A reader: an empty directory, a fresh virtual environment, and a shell in which they type what the page says.

The environment finds the wheel, built from this tree, and nothing else of Headway (tests/installed.py).
"""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tests.installed import ROOT, build, environment, free_port
from tests.processes import spawn

from .page import Block

__all__ = ["PASSWORD", "Reader"]

PASSWORD = "correct horse"
ANSWERS = {b"Username": "demo", b"Email": "", b"Password:": PASSWORD, b"(again)": PASSWORD}
ADDRESS = {"runserver": "{}", "uvicorn": "--port={}", "gunicorn": "--bind=127.0.0.1:{}"}
STAYS = ("runserver", "uvicorn", "gunicorn", "headway_worker", "celery -A")
PATIENCE = 30.0  # s
QUICKER = "time.sleep(0.4)", "time.sleep(0.05)"  # the page's run is long enough to kill its worker by hand


class Reader:
    """Follows blocks in a directory of their own; what they have started ends with them."""

    def __init__(self, home: Path, told: Mapping[str, str]) -> None:
        """`told`: what the machine knows that the page takes for granted, such as a password in the environment."""
        self.project, self.logs = home / "project", home / "logs"
        for folder in (self.project, self.logs):
            folder.mkdir()
        python = environment(home)
        self.told = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTHON", "PG"))},
            "PATH": f"{python.parent}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(build(ROOT, "wheel", home / "dist").parent),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **told,
        }
        self.started: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def follow(self, block: Block) -> None:
        """Write the file, or type the commands."""
        if block.place:
            with (self.project / block.place["path"]).open("a" if block.place["at_the_end"] else "w") as file:
                file.write(f"\n{block.code.replace(*QUICKER)}")
        for command in block.lines if block.language == "sh" else ():
            if any(word in command for word in STAYS):
                self.start(command)
            elif "createsuperuser" in command:
                self.answer(command)
            else:
                self.enter(command)

    def enter(self, command: str) -> None:
        done = subprocess.run(
            command.split("#")[0], shell=True, cwd=self.project, env=self.told, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout.decode()}{done.stderr.decode()}"

    def answer(self, command: str) -> None:
        """Type a command that asks, and answer it."""
        child, terminal = pty.fork()
        if not child:
            os.chdir(self.project)
            os.execvpe("sh", ["sh", "-c", command], self.told)
        said = b""
        with os.fdopen(terminal, "r+b", buffering=0) as asked:
            for question, answer in ANSWERS.items():
                while question not in said:
                    said += asked.read(1024)
                said = b""
                asked.write(f"{answer}\n".encode())
            while b"created" not in said:
                said += asked.read(1024)
        os.waitpid(child, 0)

    def start(self, command: str) -> None:
        """Type what stays, in a terminal of its own; a server, at a port that is free."""
        for word, option in ADDRESS.items():
            if word in command:
                port = free_port()
                command = f"{command} {option.format(port)}"
                self.url = f"http://127.0.0.1:{port}"
        with (self.logs / f"{len(self.started)}.log").open("wb") as log:
            self.started.append(
                spawn(["sh", "-c", f"exec {command}"], cwd=self.project, env=self.told, stdout=log, stderr=log)
            )

    def wait(self) -> None:
        """Until the site answers."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(self.url)
            except httpx.TransportError:
                assert time.monotonic() < give_up, self.said()
                time.sleep(0.05)  # nothing tells of it
            else:
                return

    def said(self) -> str:
        """All that the started have said."""
        return "\n".join(f"{log.name}:\n{log.read_text()}" for log in sorted(self.logs.iterdir()))

    def close_terminals(self) -> None:
        """End what was started."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.started.clear()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close_terminals()
