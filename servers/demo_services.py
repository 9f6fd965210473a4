"""`make demo-services`: the orders and the stock service of example/services, each with its web process, its worker and
its own SQLite, and one Valkey for both; until Ctrl-C.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from .demo import USUAL_PORT, Refused, free_port, run_until_ended, say, watch
from .server import ROOT, Server
from .valkey import Valkey
from .web import Web, Worker

__all__ = ["environment", "main", "prepare", "web"]

MAKE = "make demo-services"
WELCOME = """
Orders: {orders}    Stock: {stock}
Sign in at both as admin, password admin.

  Place an order; sent again with the same key it is the same order:

  curl -H 'Authorization: Bearer shop' -H 'Idempotency-Key: my-first-order' \\
    -H 'Content-Type: application/json' -d '{{"sku": "tea", "quantity": 2}}' {orders}/orders/

  A run at {orders} takes it from the stock: {stock}/admin/stock/entry/
  Press “Start” at {stock}/start/stock.count_stock/ meanwhile: it waits while orders hold the warehouse.
  What the orders service has told the stock: {stock}/admin/stock/told/

  The databases and each process's server.log: {data}. Ctrl-C ends all of it.
"""


def main() -> int | str:
    """0 after Ctrl-C or SIGTERM, or why it can't go on."""
    return run_until_ended(serve)


def serve(running: ExitStack) -> NoReturn:
    """Start everything, say where it is, and look after it."""
    orders = free_port(os.environ.get("PORT") or str(USUAL_PORT), MAKE)
    ports = {"orders": orders, "stock": free_port(str(orders + 1), MAKE)}
    urls = {service: f"http://localhost:{port}" for service, port in ports.items()}
    data = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    valkey = running.enter_context(Valkey(data / "services/valkey"))
    servers: list[Server] = [valkey]
    for service, port in ports.items():
        told = environment(service, data, urls["stock"], valkey.url)
        folder = data / "services" / service
        prepare(told)
        servers += [
            running.enter_context(web(told, folder / "web", port)),
            running.enter_context(Worker(directory=folder / "worker", environment=told)),
        ]
    say(WELCOME.format(**urls, data=os.path.relpath(data / "services")))
    watch(servers)


def environment(service: str, data: Path, stock_url: str, holds: str) -> dict[str, str]:
    """What a service's processes are told: of the shell's own words, none that mean something to it."""
    stray = {"DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "ORDERS_TOKEN", "STOCK_TOKEN", "WEBHOOK_SECRET"}
    told = {
        "DJANGO_SETTINGS_MODULE": "example.services.settings",
        "SERVICE": service,
        "DATA_DIR": str(data),
        "STOCK_URL": stock_url,
        "HOLDS": holds,
    }
    return {name: word for name, word in os.environ.items() if name not in stray} | told


def prepare(told: dict[str, str]) -> None:
    """The service's database. Raises Refused."""
    command = [sys.executable, "-m", "example.services.prepare"]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"The database of {told['SERVICE']} can't be prepared:\n{done.stderr}")


def web(told: dict[str, str], folder: Path, port: int) -> Web:
    """Not started yet."""
    return Web(application="example.services.asgi:application", ports=[port], directory=folder, environment=told)


if __name__ == "__main__":
    sys.exit(main())
