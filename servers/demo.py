"""`make demo`: the site with its worker, until Ctrl-C; when one process ends, all do.

What it has in common with `make demo-full` (demo_full.py) stands here too.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import NoReturn

import django
from django.conf import settings
from django.db import Error, connection

from example.prepare import prepare

from .keeper import ServerError
from .server import Server
from .web import Web, Worker

__all__ = ["SIGN_IN", "USUAL_PORT", "Refused", "free_port", "run_until_ended", "say", "watch"]

USUAL_PORT = 8080
LOOK_EVERY = 0.5  # s

SIGN_IN = """
  Sign in as demo, other or admin; the password is the name. For programs the name is a token:

  curl -H 'Authorization: Token demo' -H 'Content-Type: application/json' -d '{{}}' \\
    {url}/api/operations/airports.import_airports/runs/
"""
WELCOME = f"""
Headway is at {{url}}
{SIGN_IN}
  What it logs: {{logs}}. Ctrl-C ends all of it.
"""


class Refused(Exception):
    """The demo can't start like this; the message says what to do."""


def run_until_ended(serve: Callable[[ExitStack], NoReturn]) -> int | str:
    """0 after Ctrl-C or SIGTERM, or why it can't go on. What is entered into the stack ends in any case."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)  # SIGINT too: a process started in a shell's background ignores it otherwise
    try:
        with ExitStack() as running:
            try:
                serve(running)
            finally:
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave the end half done
    except KeyboardInterrupt:
        say("\nEnded.")
        return 0
    except (Refused, ServerError) as error:
        return str(error)


def end(number: int, frame: FrameType | None) -> None:
    """Like Ctrl-C."""
    raise KeyboardInterrupt


def serve(running: ExitStack) -> NoReturn:
    """Start everything, say where it is, and look after it."""
    port = free_port(os.environ.get("PORT") or str(USUAL_PORT))
    set_up()
    web = running.enter_context(Web(ports=[port], directory=settings.DATA_DIR / "web"))
    worker = running.enter_context(Worker(directory=settings.DATA_DIR / "worker"))
    logs = " and ".join(os.path.relpath(server.directory / "server.log") for server in (web, worker))
    say(WELCOME.format(url=web.url, logs=logs))
    watch([web, worker])


def free_port(given: str, make: str = "make demo") -> int:
    """The port of that number. Raises Refused when it can't be had; `make` is what to start again with another."""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65_535:
        raise Refused(f"PORT is {given!r}; it must be a number from 1 to 65535, such as PORT=8081.")
    port = int(given)
    for family, _, _, _, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            if probe.connect_ex(address) == 0:
                other = port + 1 if port < 65_535 else USUAL_PORT
                raise Refused(
                    f"Port {port} is taken: another program answers at http://localhost:{port}. "
                    f"End it, or take another port: {make} PORT={other}"
                )
    return port


def set_up() -> None:
    """Django, the database and its users."""
    # Not what a shell was set to for another project.
    os.environ |= {"DJANGO_SETTINGS_MODULE": "example.settings", "DEMO": "1"}
    django.setup()
    try:
        prepare()
    except Error as error:
        named = connection.settings_dict["NAME"]
        raise Refused(f"The database {named} can't be prepared: {error}. Mend it, or remove it.") from error


def watch(servers: Sequence[Server]) -> NoReturn:
    """Raises ServerError as soon as one of them has ended."""
    while True:
        for server in servers:
            server.check()
        time.sleep(LOOK_EVERY)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run_until_ended(serve))
