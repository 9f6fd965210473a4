"""What the production shape consists of: each process's command, settings and health check, wherever it runs.

`make demo-full` starts the project's own processes from this table; compose.yaml says the same in its own words, and a
test holds the two together. A word in braces stands for what differs by place (`Place`). The standard library alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "CADDY",
    "CUT_SECONDS",
    "HTTPS_PORT",
    "HTTP_PORT",
    "MAX_UPLOAD_BYTES",
    "OWN",
    "SETTINGS",
    "VALKEY",
    "Place",
    "Service",
]

HTTP_PORT, HTTPS_PORT = 8080, 8443
CUT_SECONDS = 60  # the limit that can't be moved
WEB_PROCESSES = 2
SHUTDOWN_SECONDS = 5  # for requests in hand; streams have been told to come back by then
WORKER_CHILDREN = 2
QUEUES = "headway"
MAX_UPLOAD_BYTES = 128 << 20  # on its way an upload takes twice its size in the web process's scratch folder
BEAT_SAVES_WITHIN = 600  # s; every 3 minutes


@dataclass(frozen=True)
class Place:
    """What the words in braces mean at a place."""

    python: str
    host: str
    """Where the web processes listen, `port` too."""
    port: str
    caddy_host: str
    """Where Caddy listens."""
    upstream: str
    """Where Caddy finds the web processes."""
    scratch: str
    """A folder for what needn't last."""
    data: str
    """A folder for uploads; web processes and workers share it."""
    metrics: str
    """A folder for counters, likewise."""
    database: str
    broker: str
    cache: str
    proxies: str
    """Whose word is taken for how a client came: the proxy's address."""

    def fill(self, word: str, **own: str) -> str:
        """The word here; `own` is what differs by process: `node`, its name, and where its `scratch` folder is."""
        return word.format(**vars(self) | own)


@dataclass(frozen=True)
class Service:
    """A process of the project's own. `health` ends with 0 as long as all is well."""

    title: str
    command: tuple[str, ...]
    health: tuple[str, ...] = ()
    count: int = 1
    stop_seconds: int = 10
    settings: Mapping[str, str] = field(default_factory=dict)


SETTINGS = {
    "DEMO": "1",
    "DJANGO_SETTINGS_MODULE": "example.settings",
    "HEADWAY_ENGINE": "celery",
    "HEADWAY_MAX_UPLOAD_BYTES": f"{MAX_UPLOAD_BYTES}",
    "DATABASE_URL": "{database}",
    "CELERY_BROKER_URL": "{broker}",
    "REDIS_URL": "{cache}",
    "DATA_DIR": "{data}",
    "PROMETHEUS_MULTIPROC_DIR": "{metrics}",
}
"""What all of the project's own processes are told."""

CELERY = ("{python}", "-m", "celery", "--quiet", "-A", "example.celery")  # no banner among the logs

OWN = {
    "prepare": Service("The preparation", ("{python}", "-m", "example.prepare"), stop_seconds=60),
    "web": Service(
        "The web process",
        (
            *("{python}", "-m", "uvicorn", "example.asgi:application"),
            "--host={host}",
            "--port={port}",
            f"--workers={WEB_PROCESSES}",
            f"--timeout-graceful-shutdown={SHUTDOWN_SECONDS}",
            "--no-access-log",  # addresses may carry tickets
            "--log-level=warning",  # at "info" the address of each WebSocket is told
            "--log-config=example/uvicorn-logs.json",
        ),
        health=("{python}", "-m", "example.upkeep.probe", "http://127.0.0.1:{port}/readyz?exclude=broker"),
        stop_seconds=2 * SHUTDOWN_SECONDS,
        settings={"FORWARDED_ALLOW_IPS": "{proxies}"},
    ),
    "worker": Service(
        "The worker",
        (
            *CELERY,
            "worker",
            "--pool=prefork",
            f"--concurrency={WORKER_CHILDREN}",
            f"--queues={QUEUES}",
            "--prefetch-multiplier=1",
            "--hostname={node}@%h",
            "--loglevel=WARNING",  # else two lines for each message
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),  # workers needn't know of each other
        ),
        health=("{python}", "-m", "example.upkeep.ping", "{node}"),
        count=2,
        stop_seconds=30,
    ),
    "beat": Service(
        "Beat",
        (*CELERY, "beat", "--schedule={scratch}/schedule", "--pidfile=", "--loglevel=WARNING"),
        health=("{python}", "-m", "example.upkeep.fresh", "{scratch}/schedule", str(BEAT_SAVES_WITHIN)),
    ),
}
"""In the order in which they start, after the database and the broker; the proxy comes last."""

CADDY = {
    "BIND": "{caddy_host}",
    "CUT": f"{CUT_SECONDS}s",
    "MAX_BODY": f"{MAX_UPLOAD_BYTES}",
    "UPSTREAM": "{upstream}",
}
"""What the Caddyfile asks for, beside ports and the folder for certificates."""

VALKEY = {"save": "", "appendonly": "yes", "appendfsync": "everysec"}
"""So that a restart keeps the messages."""
