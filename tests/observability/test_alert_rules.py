"""The alert rules on made-up series, by Prometheus's own tool: each fires where it must, and not where it must not."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.observability.written_queries import ALERTS, ROOT, alert_expressions

CASES = [ROOT / "deploy" / "observability" / name for name in ("alerts_test.yml", "alerts_days_test.yml")]


def promtool(programs: Mapping[str, Path], *arguments: str | Path) -> str:
    done = subprocess.run(
        [programs["promtool"], *arguments], capture_output=True, text=True, timeout=300, check=False, cwd=ALERTS.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_the_cases_of_the_rules_hold(prometheus_programs: Mapping[str, Path], cases: Path) -> None:
    assert "SUCCESS" in promtool(prometheus_programs, "test", "rules", cases)


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-local.yml"])
def test_the_configuration_is_sound(prometheus_programs: Mapping[str, Path], name: str) -> None:
    promtool(prometheus_programs, "check", "config", name)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires, rests = set(), set()
    for case in [case for cases in CASES for case in yaml.safe_load(cases.read_bytes())["tests"]]:
        for look in case["alert_rule_test"]:
            (fires if look.get("exp_alerts") else rests).add(look["alertname"])
    assert fires == rests == {name for name, _ in alert_expressions()}


def test_a_rule_that_is_broken_fails_its_case(prometheus_programs: Mapping[str, Path], tmp_path: Path) -> None:
    rules = ALERTS.read_text(encoding="utf-8")
    assert rules.count("> 0.01") == 2
    (tmp_path / "alerts.yml").write_text(rules.replace("> 0.01", "> 2.0"), encoding="utf-8")
    (tmp_path / "alerts_test.yml").write_text(CASES[0].read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [prometheus_programs["promtool"], "test", "rules", tmp_path / "alerts_test.yml"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
