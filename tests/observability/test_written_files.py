"""What can be said of dashboards, alerts and the overlay without a Prometheus."""

import json
import re
from collections import Counter

import pytest
import yaml

from scripts.write_dashboards import DASHBOARDS, DIRECTORY, written
from tests.observability.written_queries import ALERTS, ROOT, alert_expressions, metrics_in, panels, product_metrics

DOCUMENT = ROOT / "docs" / "observability.md"
UNITS = {"short", "percentunit", "s", "bytes", "reqps", "cps"}  # of Grafana
NOT_SHOWN: dict[str, str] = {}  # metrics of ours that are on no dashboard and in no alert, and why
FILES = {dashboard.uid: json.loads((DIRECTORY / f"{dashboard.uid}.json").read_bytes()) for dashboard in DASHBOARDS}


def test_the_files_are_written_from_the_tables() -> None:
    assert {path.stem for path in DIRECTORY.glob("*")} == set(FILES)
    for dashboard in DASHBOARDS:
        file = DIRECTORY / f"{dashboard.uid}.json"
        assert file.read_text(encoding="utf-8") == written(dashboard), "run `python -m scripts.write_dashboards`"


def test_dashboards_and_their_panels_have_ids_of_their_own() -> None:
    assert len({document["title"] for document in FILES.values()}) == len(FILES) == len(DASHBOARDS)
    for uid, document in FILES.items():
        assert document["uid"] == uid
        numbers = Counter(panel["id"] for panel in document["panels"])
        assert set(numbers.values()) == {1}


def test_panels_do_not_lie_over_each_other() -> None:
    for document in FILES.values():
        cells = Counter(
            (x, y)
            for place in (panel["gridPos"] for panel in document["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
        assert set(cells.values()) == {1}
        assert max(x for x, _ in cells) < 24


def test_every_panel_has_a_unit_an_explanation_and_queries() -> None:
    for document in FILES.values():
        for panel in document["panels"]:
            if panel["type"] != "row":
                assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
                assert panel["description"].endswith(".")
                assert panel["targets"]


@pytest.mark.parametrize(("where", "expression"), [*((a, b) for a, b, _ in panels()), *alert_expressions()])
def test_every_metric_that_is_asked_for_is_defined(where: str, expression: str) -> None:
    assert metrics_in(expression) <= set(product_metrics()), where


def test_every_metric_of_ours_is_asked_for_or_excused() -> None:
    asked = set().union(
        *(metrics_in(expression) for _, expression, _ in panels()),
        *(metrics_in(expression) for _, expression in alert_expressions()),
    )
    assert set(product_metrics()) - asked == set(NOT_SHOWN)


def test_every_counter_is_asked_for_as_a_rate_and_no_gauge_is() -> None:
    kinds = product_metrics()
    for _, expression, _ in panels():
        for name in re.findall(r"\b(?:rate|increase)\((moodfeed_\w+)", expression):
            base = re.sub(r"_(bucket|sum|count|total)$", "", name)
            assert kinds[base] in {"counter", "histogram"}


def test_durations_are_in_seconds_and_counters_end_in_total() -> None:
    exceptions = {"moodfeed_shown_post_shows_before"}  # it counts shows
    assert {
        name for name, kind in product_metrics().items() if kind == "histogram" and not name.endswith("_seconds")
    } == exceptions


def test_every_alert_says_what_it_means_how_bad_it_is_and_where_it_is_told_what_to_do() -> None:
    headings = {
        line.removeprefix("### ").strip()
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("### ")
    }
    for group in yaml.safe_load(ALERTS.read_bytes())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["runbook"] == f"docs/observability.md#{rule['alert'].lower()}"
            assert rule["alert"] in headings


def test_every_dashboard_is_told_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [dashboard.title for dashboard in DASHBOARDS if dashboard.title not in text] == []


def test_prometheus_beside_tls_differs_from_the_other_one_in_tls_alone() -> None:
    plain, secure = (
        yaml.safe_load((ROOT / "deploy" / "observability" / name).read_bytes())
        for name in ("prometheus.yml", "prometheus-secure.yml")
    )
    for job in secure["scrape_configs"]:
        assert job.pop("scheme") == "https"
        assert job.pop("tls_config") == {"ca_file": "/authority/authority.pem", "server_name": job["job_name"]}
    assert secure == plain
    overlay = yaml.safe_load((ROOT / "docker-compose.observability-secure.yml").read_bytes())
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in overlay["services"]["prometheus"]["volumes"])
    assert mounts == {
        "./deploy/observability/prometheus-secure.yml": "/etc/moodfeed/prometheus.yml",
        "./secrets/scraper": "/authority",
    }


def test_the_overlay_mounts_files_that_are_there_and_pins_its_images() -> None:
    overlay = yaml.safe_load((ROOT / "docker-compose.observability.yml").read_bytes())
    for service in overlay["services"].values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists()
