"""A client that a program has made of the schema, without a line by hand, starts a run and follows it to its end."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from tests.live.conftest import serve as serve
from tests.live.server import Server
from tests.tutorial.page import ROOT
from tests.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]

IN_PYTHON = """
import sys
from made import AuthenticatedClient
from made.api.operations import start_tests_write_ledger as start
from made.api.runs import wait_for_run
from made.models import StartTestsWriteLedger

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], prefix="Token")
run = start.sync(client=client, body=StartTestsWriteLedger(items=20), idempotency_key="made-by-a-program")
again = start.sync(client=client, body=StartTestsWriteLedger(items=20), idempotency_key="made-by-a-program")
assert run.id == again.id, (run, again)
while not run.done:
    message = wait_for_run.sync(run.id, client=client, after=run.revision, seconds=20)
    run = message.run if message and message.run else run
print(run.state, run.progress.succeeded)
"""
NPM = shutil.which("npm")
PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3")
COMPILED = ("--strict", "--skipLibCheck", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")


@dataclass(frozen=True)
class Service:
    url: str
    token: str


@pytest.fixture
def service(serve: Callable[..., Server], workers: Workers, tmp_path: Path) -> Service:
    """A server with a worker. What it tells of its API is in `schema.json`."""
    token = Token.objects.create(user=User.objects.create_user("ada"))
    server = serve()
    workers.start()
    signed_in = {"Authorization": f"Token {token.key}"}
    told = httpx.get(f"{server.url}/api/schema/?format=json", headers=signed_in, timeout=30)
    (tmp_path / "schema.json").write_text(told.text)
    return Service(server.url, token.key)


def test_a_generated_client_starts_and_follows_a_run(service: Service, tmp_path: Path) -> None:
    how = {"post_hooks": [], "content_type_overrides": {"application/x-ndjson": "text/plain"}}
    (tmp_path / "how.yaml").write_text(yaml.safe_dump(how))
    generator = (sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning")
    run(tmp_path, *generator, "--path=schema.json", "--output-path=made", "--meta=none", "--config=how.yaml")

    assert run(tmp_path, sys.executable, "-c", IN_PYTHON, service.url, service.token) == "succeeded 20\n"


def test_the_one_of_the_reference_in_typescript_does_too(service: Service, tmp_path: Path) -> None:
    if NPM is None:
        pytest.fail("The tests need npm on PATH. It comes with Node; on Debian, as root: apt-get install npm", False)
    (tmp_path / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
    run(tmp_path, NPM, "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", *PACKAGES)
    page = (ROOT / "docs/reference/http.md").read_text()
    [command] = re.findall(r"^\$ (npx openapi-typescript .*?) +#", page, re.MULTILINE)
    [program] = re.findall(r"^```typescript\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "follow.ts").write_text(for_the_tests(program, service))

    run(tmp_path, *command.split())
    run(tmp_path, "npx", "tsc", *COMPILED, "follow.ts")

    assert run(tmp_path, "node", "follow.js") == "succeeded 20\n"


def for_the_tests(program: str, service: Service) -> str:
    for there, here in {
        "https://shop.example": service.url,
        "Token …": f"Token {service.token}",
        "airports.export_airports": "tests.write_ledger",
        "{ body: {} }": "{ body: { items: 20 } }",
    }.items():
        assert there in program
        program = program.replace(there, here)
    return program


def run(folder: Path, *command: str | os.PathLike[str]) -> str:
    """What it prints. It must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
