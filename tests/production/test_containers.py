"""compose.yaml and the Dockerfile: clean, and the same shape as `make demo-full`, process by process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.server import ROOT
from servers.topology import CADDY, HTTP_PORT, HTTPS_PORT, MAX_UPLOAD_BYTES, OWN, SETTINGS, VALKEY, Place

PROGRAMS = Path(sys.executable).parent
PASSWORD = "only-for-the-demo-on-this-machine"
CONTAINERS = Place(
    python="python",
    host="0.0.0.0",
    port="8000",
    caddy_host="0.0.0.0",
    upstream="web:8000",
    scratch="/tmp",
    data="/data",
    metrics="/metrics",
    database=f"postgres://headway:{PASSWORD}@postgres:5432/headway",
    broker="redis://valkey:6379/0",
    cache="redis://valkey:6379/1",
    proxies="*",
)
# Empty in the demo.
ABOUT_PRODUCTION = {"SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "LOG_FORM", "LOG_LEVEL", "METRICS_TOKEN"}
BASED_ON_OTHERS = {"postgres": "postgres:18", "valkey": "valkey/valkey:9", "caddy": "caddy:2"}


def compose(*options: str, **environment: str) -> dict[str, Any]:
    """compose.yaml as Compose itself understands it. Fails where it doesn't."""
    done = subprocess.run(
        [PROGRAMS / "docker-compose", *options, "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def test_the_services_are_those_of_demo_full(services: dict[str, Any]) -> None:
    assert set(services) == {*OWN, "postgres", "valkey", "caddy"}
    assert {name: services[name].get("deploy", {}).get("replicas", 1) for name in OWN} == {
        name: service.count for name, service in OWN.items()
    }


@pytest.mark.parametrize("name", OWN)
def test_each_own_process_has_the_same_command_settings_and_health_check(services: dict[str, Any], name: str) -> None:
    service, container = OWN[name], services[name]

    def here(words: tuple[str, ...]) -> list[str]:
        return [CONTAINERS.fill(word, node=name) for word in words]

    told = {key: value for key, value in container["environment"].items() if key not in ABOUT_PRODUCTION}
    assert container["command"] == here(service.command)
    assert told == {key: CONTAINERS.fill(value) for key, value in {**SETTINGS, **service.settings}.items()}
    assert {container["environment"][key] for key in ABOUT_PRODUCTION} == {""}
    health = container["healthcheck"]
    assert (health == {"disable": True}) if not service.health else (health["test"] == ["CMD", *here(service.health)])
    assert container["stop_grace_period"] in {f"{service.stop_seconds}s", f"{service.stop_seconds // 60}m0s"}


def test_the_images_own_command_and_health_check_are_the_web_process() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    health, command = (
        json.loads(line[line.index("[") :]) for line in dockerfile.splitlines() if " CMD [" in f" {line}"
    )

    assert command == [CONTAINERS.fill(word) for word in OWN["web"].command]
    assert health == ["python", "-m", "example.upkeep.probe", "http://127.0.0.1:8000/healthz"]


def test_caddy_reads_the_very_file_of_demo_full_with_the_same_cut(services: dict[str, Any]) -> None:
    caddy = services["caddy"]
    ports = {"HTTP_PORT": str(HTTP_PORT), "HTTPS_PORT": str(HTTPS_PORT), "DATA": "/data"}

    assert caddy["environment"] == ports | {name: CONTAINERS.fill(value) for name, value in CADDY.items()}
    assert caddy["environment"]["CUT"] == "60s"
    (source,) = [mount["source"] for mount in caddy["volumes"] if mount["type"] == "bind"]
    assert Path(source) == ROOT / "servers/Caddyfile"
    assert [(port["host_ip"], port["published"], port["target"], port["protocol"]) for port in caddy["ports"]] == [
        ("127.0.0.1", str(HTTP_PORT), HTTP_PORT, "tcp"),
        ("127.0.0.1", str(HTTPS_PORT), HTTPS_PORT, "tcp"),
        ("127.0.0.1", str(HTTPS_PORT), HTTPS_PORT, "udp"),
    ]
    asked = {part.split("}")[0] for part in (ROOT / "servers/Caddyfile").read_text().split("{$")[1:]}
    assert asked == set(caddy["environment"])


def test_valkey_keeps_what_was_rung(services: dict[str, Any]) -> None:
    options = [word for name, value in VALKEY.items() for word in (f"--{name}", value)]

    assert services["valkey"]["command"] == ["valkey-server", *options]


def test_no_container_may_more_than_it_needs(services: dict[str, Any]) -> None:
    for name, container in services.items():
        assert container["read_only"] is True, name
        assert container["user"] not in {"", "root", "0", "0:0"}, name
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["restart"] in {"unless-stopped", "on-failure:5"}, name
        assert container["healthcheck"], name
        assert container["stop_grace_period"], name
        assert "ports" not in container or name == "caddy", name


def test_no_container_takes_all_memory(services: dict[str, Any]) -> None:
    for name, container in services.items():
        folders = dict(folder.split(":size=") for folder in container.get("tmpfs", []))
        assert folders, name
        assert sum(map(bytes_of, folders.values())) < int(container["mem_limit"]), name
    held = bytes_of(services["web"]["tmpfs"][0].split("=")[1])
    assert held >= 2 * 2 * MAX_UPLOAD_BYTES  # two uploads at once; on its way each is there twice


def bytes_of(size: str) -> int:
    return int(size.removesuffix("m")) << 20


def test_each_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    needs = {
        name: {needed: how["condition"] for needed, how in container.get("depends_on", {}).items()}
        for name, container in services.items()
    }
    prepared = {
        "prepare": "service_completed_successfully",
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }
    assert needs == {
        "postgres": {},
        "valkey": {},
        "prepare": {"postgres": "service_healthy"},
        "web": prepared,
        "worker": prepared,
        "beat": prepared,
        "caddy": {"web": "service_healthy"},
    }


def test_images_of_others_are_official_and_pinned(services: dict[str, Any]) -> None:
    for name, image in BASED_ON_OTHERS.items():
        assert services[name]["image"].startswith(image)


def test_the_profile_services_has_two_that_share_nothing_but_valkey(services: dict[str, Any]) -> None:
    found = compose("--profile", "services")["services"]
    added = {name: container for name, container in found.items() if name not in services}

    assert {name: container for name, container in found.items() if name in services} == services
    assert set(added) == {
        f"{each}{part}" for each in ("orders", "stock") for part in ("", "-db", "-prepare", "-worker")
    }
    for name, container in added.items():
        service = name.partition("-")[0]
        assert (container["read_only"], container["cap_drop"], container["user"] != "root") == (True, ["ALL"], True)
        assert {*container.get("depends_on", {})} <= {f"{service}-db", f"{service}-prepare", "valkey"}, name
        assert [port["host_ip"] for port in container.get("ports", [])] in ([], ["127.0.0.1"]), name
        if not name.endswith("-db"):
            told = container["environment"]
            assert (told["SERVICE"], told["HOLDS"]) == (service, "redis://valkey:6379/2")
            assert f"@{service}-db:5432/" in told["DATABASE_URL"]


def test_what_the_demo_leaves_open_can_be_given() -> None:
    given = {"DEMO": "0", "SECRET_KEY": "a-key", "ALLOWED_HOSTS": "a.example", "POSTGRES_PASSWORD": "a-password"}

    found = compose(**given)["services"]

    assert {name: found["web"]["environment"][name] for name in given if name != "POSTGRES_PASSWORD"} == {
        "DEMO": "0",
        "SECRET_KEY": "a-key",
        "ALLOWED_HOSTS": "a.example",
    }
    assert PASSWORD not in json.dumps(found)


def test_the_dockerfile_is_clean() -> None:
    hadolint = shutil.which("hadolint", path=str(PROGRAMS))
    assert hadolint
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_what_it_copies_and_the_file_that_ignores_the_rest_lets_it_through() -> None:
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for word in line.split()[1:-1]
    ]
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    for path in copied:
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in let_through, path
