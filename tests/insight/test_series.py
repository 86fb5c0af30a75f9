"""Metrics are an interface: whatever an alert or a dashboard names exists, and is described in docs/operating.md."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from shared import figures
from shared.health import Health
from shared.metrics import LoopAges

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
OPERATING = (ROOT / "docs/operating.md").read_text()
PROMETHEUS_OWN = {"up"}
ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


def families() -> Iterator[Metric]:
    """Every family our services export, as their modules declare them."""
    modules = [
        "shared.metrics",
        *(f"services.{path.parent.name}.metrics" for path in ROOT.glob("services/*/metrics.py")),
    ]
    for name in modules:
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, MetricWrapperBase):
                yield from value.describe()
    health = Health()
    health.beat("some")
    yield from LoopAges(health).collect()
    yield from figures.Figures().collect()


FAMILIES = {family.name: family for family in families()}
EXPORTED = {name + ending for name, family in FAMILIES.items() for ending in ENDINGS[family.type]}


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found = [panel for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterable[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def selectors(node: Any) -> Iterator[Any]:
    """The series an expression reads."""
    match node:
        case promql_parser.VectorSelector():
            yield node
        case promql_parser.MatrixSelector():
            yield node.vector_selector
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument)
        case promql_parser.BinaryExpr():
            yield from selectors(node.lhs)
            yield from selectors(node.rhs)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return
        case _:
            yield from selectors(node.expr)


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_expression_is_promql_over_series_that_exist(where: str, expression: str) -> None:
    named = {selector.name for selector in selectors(promql_parser.parse(expression))}
    assert named
    assert named <= EXPORTED | PROMETHEUS_OWN, where


def test_an_unknown_series_would_be_noticed() -> None:
    [selector] = selectors(promql_parser.parse("sum(rate(yike_no_such_total[5m]))"))
    assert selector.name not in EXPORTED


def test_every_series_is_described_for_operators() -> None:
    described = set(re.findall(r"^\| `(yike_[a-z_]+)`", OPERATING, re.MULTILINE))
    exported = {name + ("_total" if family.type == "counter" else "") for name, family in FAMILIES.items()}
    assert described == exported


def test_every_series_has_a_meaning_and_a_name_of_ours() -> None:
    for name, family in FAMILIES.items():
        assert name.startswith("yike_")
        assert len(family.documentation) > 10, name


def test_every_alert_says_what_to_do() -> None:
    told = dict(re.findall(r"^### (\w+)\n((?:(?!^#).*\n)+)", OPERATING, re.MULTILINE))
    assert set(told) == {rule["alert"] for rule in alerts()}
    for alert, section in told.items():
        assert len(section.strip()) > 80, alert


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alerts_are_whole(rule: dict[str, Any]) -> None:
    """What promtool would check of a rule file; no package carries promtool."""
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "look"}
    assert " / " in rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operating.md#{rule['alert'].lower()}"
    if "for" in rule:
        assert promql_parser.parse_duration(rule["for"])
    for template in re.findall(r"{{(.*?)}}", rule["annotations"]["summary"]):
        assert re.fullmatch(r" \$(labels\.\w+|value)( \| humanizeDuration)? ", template)


def test_alert_names_are_not_repeated() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))


def test_dashboards_use_the_provisioned_source() -> None:
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/yike.yml").read_text())
    uids = {datasource["uid"] for datasource in source["datasources"]}
    assert {panel["datasource"]["uid"] for panel in panels()} <= uids
    idents = [panel["id"] for panel in panels()]
    assert len(idents) == len(set(idents))
