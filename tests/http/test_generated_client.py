"""A client that a program has made of the schema, without a line by hand, starts a run and follows it to its end."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from tests.live.conftest import serve as serve
from tests.live.server import Server
from tests.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]

START_AND_FOLLOW = """
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


def test_a_generated_client_starts_and_follows_a_run(
    serve: Callable[..., Server], workers: Workers, tmp_path: Path
) -> None:
    token = Token.objects.create(user=User.objects.create_user("ada"))
    server = serve()
    workers.start()
    signed_in = {"Authorization": f"Token {token.key}"}
    make_client(httpx.get(f"{server.url}/api/schema/?format=json", headers=signed_in, timeout=30).json(), tmp_path)

    followed = subprocess.run(
        [sys.executable, "-c", START_AND_FOLLOW, server.url, token.key],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert followed.stdout == "succeeded 20\n", followed.stderr


def make_client(schema: dict[str, Any], folder: Path) -> None:
    """A package `made` there. Fails where the generator has anything to say, but of the lines of JSON that it doesn't
    know.
    """
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "how.yaml").write_text(
        yaml.safe_dump({"post_hooks": [], "content_type_overrides": {"application/x-ndjson": "text/plain"}})
    )
    command = ["generate", "--path", "schema.json", "--output-path", "made", "--meta", "none", "--config", "how.yaml"]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, "--fail-on-warning"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
