"""The dashboard and the alerts ask for what /metrics gives, in queries that Prometheus understands."""

import json
import re

import promql_parser
import pytest
import yaml
from django.test import Client

from headway.signals import part_taken_over, run_ended, start_answered, write_fenced
from headway.states import State
from servers.server import ROOT
from tests.production.scrapes import read

FOLDER = ROOT / "docs" / "grafana"
NAME = re.compile(r"headway_\w+")
STATE = re.compile(r'state="(\w+)"')


def on_dashboard() -> list[str]:
    dashboard = json.loads((FOLDER / "headway.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def in_alerts() -> list[str]:
    [group] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule["expr"] for rule in group["rules"]]


@pytest.mark.parametrize("query", [*on_dashboard(), *in_alerts()])
def test_a_query_is_understood_and_names_states_that_there_are(query: str) -> None:
    promql_parser.parse(query)
    assert set(STATE.findall(query)) <= {str(state) for state in State}


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_all_that_is_measured_is_on_the_dashboard_and_all_that_is_asked_for_is_measured(client: Client) -> None:
    start_answered.send(None, operation="shop.sell", disposition="joined", run_id=None)
    run_ended.send(None, operation="shop.sell", state="failed", run_id=None)
    part_taken_over.send(None, run_id=None)
    write_fenced.send(None, run_id=None)
    measured = {sample.partition("{")[0] for sample in read(client.get("/metrics").content.decode()).samples} - {
        f"headway_{name}_created" for name in ("starts", "runs_ended", "take_overs", "fenced_writes")
    }

    assert asked(on_dashboard()) == measured
    assert asked(in_alerts()) <= measured


def asked(queries: list[str]) -> set[str]:
    return {name for query in queries for name in NAME.findall(query)}
