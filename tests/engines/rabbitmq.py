"""A RabbitMQ of its own, where one is installed: node, data and ports are thrown away at the end."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from servers.keeper import HOST, Keeper
from servers.server import Server

__all__ = ["RabbitMQ"]

PROGRAM = "rabbitmq-server"
PLACES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin")  # before PATH: Debian's wrapper there changes the user


class RabbitMQKeeper(Keeper):
    """Runs the node."""

    name = "RabbitMQ"
    ready_seconds = 180  # Erlang takes its time on a busy machine
    port_count = 3  # for clients, between nodes, and of the daemon in which nodes look each other up

    def __init__(self, program: str, directory: str | None) -> None:
        super().__init__(directory)
        self.program = program

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        (self.directory / "enabled_plugins").write_text("[].\n")
        (self.directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{ports[0]}\n")
        told = {
            "RABBITMQ_NODENAME": f"headway{ports[0]}@localhost",
            "RABBITMQ_BASE": str(self.directory),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(ports[1]),
            "ERL_EPMD_PORT": str(ports[2]),
            "ERL_EPMD_ADDRESS": HOST,
            "HOME": str(self.directory),  # of its cookie
        }
        # Erlang would start the daemon by itself, for ever; as a child it is in our group, and ends with it.
        both = ["sh", "-c", 'epmd & exec "$0"', self.program]
        return self.spawn(both, env=os.environ | told, cwd=self.directory)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By its own word."""
        return self.has_said("completed with")


class RabbitMQ(Server):
    """A broker at `url`."""

    keeper = "tests.engines.rabbitmq:RabbitMQKeeper"

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.ports[0]}//"

    def empty(self) -> None:
        """Forget every message."""
        from example.celery import app

        with app.connection_for_write(self.url) as connection, connection.channel() as channel:
            for queue in ("headway", "tests.slow"):
                channel.queue_delete(queue)

    def needs(self) -> dict[str, Any]:
        return {"program": found()}

    @staticmethod
    def is_installed() -> bool:
        """Whether there is one on this machine."""
        return found() is not None


def found() -> str | None:
    """Where it is."""
    return shutil.which(PROGRAM, path=os.pathsep.join([*PLACES, os.environ.get("PATH", "")]))
