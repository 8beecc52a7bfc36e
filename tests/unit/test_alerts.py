"""Alerts: each has a runbook and cases that promtool runs; runbooks name existing commands, metrics and settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from streams.settings import OTHER_VARIABLES, Settings, variable
from tests.support.command_line import unknown_calls, unknown_part
from tests.support.metric_queries import known_names, names_in
from tests.support.paths import ROOT

FOLDER = ROOT / "config" / "prometheus"
CASES = sorted((ROOT / "tests" / "prometheus").glob("*.yml"))
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
MOST_WORDS = 2_750
PROMTOOL = shutil.which("promtool")


def rules() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


RULES = rules()


def sections() -> dict[str, str]:
    """Return the text of each runbook section by its alert."""
    parts = re.split(r"^(?=##+ )", RUNBOOKS, flags=re.MULTILINE)
    found = [re.match(r"### (\w+)\n(.*)", part, flags=re.DOTALL) for part in parts]
    return {match[1]: match[2] for match in found if match}


@cache
def expectations() -> list[tuple[str, bool, set[str]]]:
    """Return alert, whether it fires, and the metrics of the case, for each expectation of promtool's cases."""
    found = []
    for path in CASES:
        for case in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["tests"]:
            metrics = {re.split(r"[{ ]", one["series"])[0] for one in case["input_series"]}
            for one in case["promql_expr_test"]:
                (alert,) = re.findall(r'alertname="(\w+)", alertstate="firing"', one["expr"])
                found.append((alert, bool(one["exp_samples"]), metrics))
    return found


@pytest.mark.parametrize("alert", RULES)
def test_alert_has_severity_and_runbook(alert: str) -> None:
    rule = RULES[alert]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["runbook_url"] == f"{{{{ $externalLabels.docs }}}}/runbooks.html#{alert.lower()}"
    assert alert in sections(), "write its section in docs/runbooks.md"
    assert 40 <= len(sections()[alert].split()) <= 70
    assert re.search(r"\b(?:Look|Run)\b", sections()[alert]) and re.search(r"\bEnds?\b", sections()[alert])


def test_runbooks_cover_alerts_in_order_and_stay_short() -> None:
    assert list(sections()) == list(RULES)
    assert len(RUNBOOKS.split()) <= MOST_WORDS


def test_operations_name_existing_commands_benchmarks_and_settings() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert len(text.split()) <= 1_300
    assert unknown_calls(text) == {}
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"\bHUSHTAG_[A-Z0-9_]+", text)) <= {variable(field) for field in Settings.model_fields}


def test_docs_label_is_an_address() -> None:
    labels = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["global"]["external_labels"]
    assert re.fullmatch(r"https?://\S+[^/]", labels["docs"])


def test_unknown_part_of_a_call_is_found() -> None:
    assert unknown_part(["policy", "status", "--json"]) == ""
    assert unknown_part(["policy", "state"]) == "state"
    assert unknown_part(["policy", "status", "--jsonl"]) == "--jsonl"
    assert unknown_part(["policy"]) == "(no command)"


def test_runbooks_name_existing_commands_metrics_and_settings() -> None:
    assert unknown_calls(RUNBOOKS) == {}
    metrics = set(re.findall(r"\bhushtag_\w+", RUNBOOKS))
    assert metrics and metrics <= known_names()
    settings = set(re.findall(r"\bHUSHTAG_[A-Z0-9_]+", RUNBOOKS))
    assert settings <= {variable(field) for field in Settings.model_fields} | OTHER_VARIABLES.keys()


@pytest.mark.parametrize("alert", RULES)
def test_alert_fires_and_is_silent_in_promtool_cases(alert: str) -> None:
    metrics = names_in(RULES[alert]["expr"])[0]
    fires = [given for name, firing, given in expectations() if name == alert and firing]
    silent = [given for name, firing, given in expectations() if name == alert and not firing]
    assert fires, "add a case to tests/prometheus that fires"
    assert any(metrics <= given for given in fires), "give every metric of its expression"
    assert any(metrics & given for given in silent), "add a case with its metrics in which it is silent"


def test_promtool_cases_name_existing_alerts() -> None:
    assert {alert for alert, _, _ in expectations()} <= RULES.keys()


def test_inhibition_and_routes_name_existing_alerts_and_receivers() -> None:
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text("utf-8"))
    receivers = {one["name"] for one in config["receivers"]}
    assert {route["receiver"] for route in [config["route"], *config["route"]["routes"]]} <= receivers
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            names = re.fullmatch(r'alertname =~? "([\w|]+)"', matcher)
            assert names and set(names[1].split("|")) <= RULES.keys()
    assert all(len(one) == 1 for one in config["receivers"]), (
        "no receiver sends anywhere before an operator fills it in"
    )


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus (Debian)")
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", str(FOLDER / "alerts.yml")],
        ["check", "config", "--syntax-only", str(FOLDER / "prometheus.yml")],
    ],
    ids=lambda arguments: " ".join(one.rpartition("/")[2] for one in arguments),
)
def test_promtool_accepts(arguments: list[str]) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus (Debian)")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_end_as_their_cases_say(path: Path, tmp_path: Path) -> None:
    """Each case runs with its own alert alone: promtool evaluates every rule at every minute of a case."""
    assert PROMTOOL is not None
    document = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    cases = document.pop("tests")
    for number, case in enumerate(cases):
        alerts = set(re.findall(r'alertname="(\w+)"', json.dumps(case).replace('\\"', '"')))
        rules = [RULES[alert] for alert in sorted(alerts)]
        (tmp_path / f"rules-{number}.yml").write_text(
            json.dumps({"groups": [{"name": "case", "rules": rules}]}), "utf-8"
        )
        one = document | {"rule_files": [f"rules-{number}.yml"], "tests": [case]}
        (tmp_path / f"case-{number}.yml").write_text(json.dumps(one), "utf-8")
    files = [str(tmp_path / f"case-{number}.yml") for number in range(len(cases))]
    done = subprocess.run([PROMTOOL, "test", "rules", *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(cases)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus (Debian)")
def test_promtool_parses_every_dashboard_query(tmp_path: Path) -> None:
    dashboard = json.loads((ROOT / "config/grafana/dashboards/hushtag.json").read_text("utf-8"))
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    queries = [one["expr"].replace("$__rate_interval", "1m") for one in (*targets, *dashboard["annotations"]["list"])]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", str(path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and f"{len(queries)} rules found" in done.stdout, done.stdout + done.stderr
