"""`make demo-full`: the production shape on this machine alone, from wheels; until Ctrl-C, like `make demo`.

PostgreSQL, Valkey, two Celery workers, beat, two uvicorn processes, and Caddy with the cut at 60 s. What the project's
own processes are told stands in topology.py, which compose.yaml follows too.
"""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from .caddy import Caddy
from .demo import SIGN_IN, USUAL_PORT, Refused, free_port, run_until_ended, say, watch
from .keeper import HOST
from .postgres import Postgres
from .process import Process
from .server import ROOT, Server
from .topology import CUT_SECONDS, HTTP_PORT, HTTPS_PORT, OWN, SETTINGS, Place, Service
from .valkey import Valkey

__all__ = ["main"]

MAKE = "make demo-full"
WELCOME = f"""
Headway is at {{url}} and {{secure_url}}
{SIGN_IN}
  HTTP/2 and HTTP/3 are at the second address, with a certificate of Caddy's own authority. Trust it for one command:
  curl --cacert {{authority}} {{secure_url}}/healthz
  In a browser accept its warning, or import that file as an authority. Whatever lasts {{cut}} s is cut off.

  Inside: {{web}}/readyz and {{web}}/metrics. The data and each process's server.log: {{data}}
  Ctrl-C ends all of it.
"""


def main() -> int | str:
    """0 after Ctrl-C or SIGTERM, or why it can't go on."""
    return run_until_ended(serve)


def serve(running: ExitStack) -> NoReturn:
    """Start everything from the inside out, say where it is, and look after it."""
    http = free_port(os.environ.get("PORT") or str(USUAL_PORT), MAKE)
    https = free_port(str(http + HTTPS_PORT - HTTP_PORT), MAKE)
    data = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve() / "full"
    data.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(data / "metrics", ignore_errors=True)  # counters begin anew when everything does

    postgres = running.enter_context(Postgres(data / "postgres", durable=True))
    valkey = running.enter_context(Valkey(data / "valkey"))
    here = place(data, postgres.url, valkey.url)
    prepare(OWN["prepare"], here)
    own = {
        node: running.enter_context(launched(node, service, here, data / node))
        for name, service in OWN.items()
        if service.health
        for node in nodes(name, service)
    }
    web = own["web"]
    caddy = running.enter_context(Caddy(web.ports[0], CUT_SECONDS, data / "caddy", [http, https]))
    say(
        WELCOME.format(
            url=caddy.url,
            secure_url=caddy.secure_url,
            authority=os.path.relpath(caddy.authority),
            cut=CUT_SECONDS,
            web=web.url,
            data=os.path.relpath(data),
        )
    )
    servers: list[Server] = [postgres, valkey, *own.values(), caddy]
    watch(servers)


def place(data: Path, database: str, broker: str) -> Place:
    """This machine. Ports are chosen when a process starts."""
    return Place(
        python=sys.executable,
        host=HOST,
        port="{port}",
        caddy_host=HOST,
        upstream=f"{HOST}:{{port}}",
        scratch="{scratch}",
        data=str(data),
        metrics=str(data / "metrics"),
        database=database,
        broker=broker,
        cache=broker.removesuffix("0") + "1",  # another of its databases
        proxies=HOST,
    )


def environment(service: Service, here: Place) -> dict[str, str]:
    """What a process is told: of the shell's own words, none that mean something to the project."""
    told = {name: here.fill(word) for name, word in {**SETTINGS, **service.settings}.items()}
    stray = {"SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DEBUG"}
    return {name: word for name, word in os.environ.items() if name not in stray} | told


def nodes(name: str, service: Service) -> list[str]:
    """What each of them is called."""
    return [name] if service.count == 1 else [f"{name}-{number}" for number in range(1, service.count + 1)]


def launched(node: str, service: Service, here: Place, directory: Path) -> Process:
    """Not started yet."""
    words = {"node": node, "scratch": str(directory)}
    return Process(
        service.title,
        [here.fill(word, **words) for word in service.command],
        health=[here.fill(word, **words) for word in service.health],
        stop_seconds=service.stop_seconds,
        environment=environment(service, here),
        directory=directory,
    )


def prepare(service: Service, here: Place) -> None:
    """Runs to its end. Raises Refused."""
    done = subprocess.run(
        [here.fill(word) for word in service.command],
        cwd=ROOT,
        env=environment(service, here),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"The database can't be prepared:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
