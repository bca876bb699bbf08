"""Dashboard, alerts and documents name metrics that exist, with labels that they have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vllm.v1.metrics.loggers as vllms
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from laserve.api.metrics.labels import LABELS
from tests.contract.metrics import observed
from tests.documents import rows

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules.yaml"
DASHBOARD = ROOT / "deploy/grafana/laserve.json"
ALERTS = Path(__file__).with_name("alerts.yaml")
PROMETHEUS_OWN = {"up"}
OF_A_TARGET = {"instance", "job"}
"""Labels that Prometheus gives to all that it scrapes."""
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool"}


@pytest.fixture(scope="module")
def registry() -> CollectorRegistry:
    return observed()


@pytest.fixture(scope="module")
def series(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Labels by the name of each series of ours."""
    return {
        sample.name: set(sample.labels)
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Each with the title of what it is in."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def named(expression: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels of a PromQL expression."""
    text = re.sub(r'"[^"]*"', "", expression)
    labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", "".join(re.findall(r"{[^}]*}", text))))
    groupings = r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)"
    for grouping in re.findall(groupings, text):
        labels |= {label.strip() for label in grouping.split(",")}
    text = re.sub(rf"{{[^}}]*}}|\[[^\]]*\]|{groupings}", " ", text)
    names = re.findall(r"(?<![\w.:])([a-zA-Z_][\w:]*)\b(?!\s*\()", text)
    return set(names) - WORDS, labels


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_an_expression_names_metrics_that_exist_and_labels_that_they_have(
    where: str, expression: str, series: dict[str, set[str]]
) -> None:
    names, labels = named(expression)
    assert names, where
    ours = {name for name in names if name.startswith("laserve_")}
    assert ours <= series.keys()
    served = Path(vllms.__file__).read_text()
    for name in names - ours - PROMETHEUS_OWN:
        base = re.sub(r"_(?:total|bucket|sum|count)$", "", name)
        assert f'name="{base}"' in served, f"vLLM has no {name}"
    if ours:
        assert labels <= OF_A_TARGET.union(*(series[name] for name in ours))


def test_what_an_alert_says_names_labels_that_it_has() -> None:
    for rule in rules():
        grouped = re.search(r"by \(([^)]*)\)", rule["expr"])
        had = {*grouped[1].split(", ")} if grouped else {*LABELS, "reason", *OF_A_TARGET}
        said = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        assert set(said) <= had, rule["alert"]


def test_every_metric_is_documented_with_its_labels_and_no_other(
    registry: CollectorRegistry,
) -> None:
    told = {cells[0].strip("`") for cells in rows(ROOT / "docs" / "operations.md", "Metrics")}
    for common in LABELS:
        assert f"`{common}`" in (ROOT / "docs" / "operations.md").read_text()
    exist = set()
    for family in registry.collect():
        sample = family.samples[0]
        assert {*LABELS} <= sample.labels.keys(), family.name
        more = [name for name in sample.labels if name not in (*LABELS, "le")]
        name = f"{family.name}_total" if family.type == "counter" else family.name
        exist.add(name + (f"{{{','.join(more)}}}" if more else ""))
    assert told == exist


def test_the_dashboard_has_a_panel_for_each_place_and_asks_for_what_it_lets_choose() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = DASHBOARD.read_text()
    asked = set(re.findall(r"\$\{?(\w+)", text))
    assert asked == {*variables, "__rate_interval"}


def promtool(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What Prometheus' own tool says."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("NOT RUN: promtool is not installed (apt-get install prometheus)")
    return subprocess.run([program, *arguments], input=stdin, cwd=ROOT, capture_output=True)


def test_promtool_takes_the_rules_and_they_fire_when_they_should() -> None:
    for arguments in (("check", "rules", str(RULES)), ("test", "rules", str(ALERTS))):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tests = yaml.safe_load(ALERTS.read_text())["tests"]
    fired = {
        one["alertname"]
        for test in tests
        for one in test["alert_rule_test"]
        if one.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in rules()}


def test_promtool_finds_nothing_in_names_and_units(registry: CollectorRegistry) -> None:
    done = promtool("check", "metrics", stdin=generate_latest(registry))
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
