"""/healthz and /readyz: they answer before anything else, and in time, whatever hangs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.test import Client

from headway.contrib import probes
from servers.postgres import Postgres
from servers.server import ROOT
from servers.valkey import Valkey
from servers.web import Web

PATIENCE = 30  # s
IN_TIME = 2 * probes.LIMIT + 4  # s: two checks that hang, on a busy machine


def test_a_process_that_lives_says_so_without_a_database(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "10.0.0.7"})  # as probes call it: by the address

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert answer["Cache-Control"] == "no-store"
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_process_is_ready_when_its_database_is_as_the_code_wants_it(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "migrations": "ok"}}


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.once
def test_what_it_needs_is_told_and_nothing_that_hangs_makes_it_hang(tmp_path: Path) -> None:
    with Postgres() as postgres, Valkey() as valkey:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")} | {
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": postgres.url,
            "CELERY_BROKER_URL": valkey.url,
            "HEADWAY_ENGINE": "celery",
        }
        with Web(environment=environment) as web, httpx.Client(base_url=web.url, timeout=PATIENCE) as probe:
            bare = probe.get("/readyz")
            assert (bare.status_code, bare.json()["status"]) == (503, "not ready")
            assert bare.json()["checks"]["database"] == "ok"
            assert "run manage.py migrate" in bare.json()["checks"]["migrations"]

            subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
            assert probe.get("/readyz").json() == {
                "status": "ready",
                "checks": {"database": "ok", "migrations": "ok", "broker": "ok"},
            }

            valkey.stop()
            without_broker = probe.get("/readyz")
            assert without_broker.status_code == 503
            assert without_broker.json()["checks"] == {
                "database": "ok",
                "migrations": "ok",
                "broker": without_broker.json()["checks"]["broker"],
            }
            assert without_broker.json()["checks"]["broker"] != "ok"
            assert probe.get("/readyz?exclude=broker").status_code == 200

            assert postgres.pid
            os.killpg(postgres.pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                frozen = probe.get("/readyz")
                took = time.monotonic() - began
                alive = probe.get("/healthz")
                metrics = probe.get("/metrics")
            finally:
                os.killpg(postgres.pid, signal.SIGCONT)

            assert frozen.status_code == 503
            assert frozen.json()["checks"]["database"] == "no answer within 2 s"
            assert took < IN_TIME
            assert alive.elapsed.total_seconds() < 1
            assert alive.status_code == metrics.status_code == 200
            assert "headway_database_up 0.0" in metrics.text

            valkey.start()
            assert probe.get("/readyz").status_code == 200
