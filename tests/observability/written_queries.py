"""What the files of deploy/observability ask Prometheus, and which metrics the code defines."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "observability" / "alerts.yml"
DASHBOARDS = ROOT / "deploy" / "observability" / "dashboards"
SERVING = ("bundle", "compute", "embedded", "gateway", "post_index_service", "rpc", "store", "user_tower_service")
_DEFINED = re.compile(
    r'(Counter|Gauge|Histogram|CounterMetricFamily|GaugeMetricFamily|WeightedHistogram)\(\s*"(moodfeed_\w+)"'
)
_PARTS = ("_bucket", "_sum", "_count")


def panels() -> Iterator[tuple[str, str, str]]:
    """Every query: where it stands, its PromQL, and the unit of its panel."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_bytes())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                where = f"{dashboard['title']} / {panel['title']} {target['refId']}"
                yield where, target["expr"], panel["fieldConfig"]["defaults"]["unit"]


def alert_expressions() -> Iterator[tuple[str, str]]:
    """Every alert: its name and its PromQL."""
    for group in yaml.safe_load(ALERTS.read_bytes())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def product_metrics() -> Mapping[str, str]:
    """The metrics that the code defines, and their types; names as they are exposed, counters without ``_total``."""
    found = {}
    for package in SERVING:
        for file in (ROOT / package).rglob("*.py"):
            for kind, name in _DEFINED.findall(file.read_text(encoding="utf-8")):
                found[name.removesuffix("_total")] = re.sub("MetricFamily|Weighted", "", kind).lower()
    return found


def metrics_in(expression: str) -> set[str]:
    """The metrics of ours that an expression names, as ``product_metrics`` names them."""
    known = product_metrics()
    named = set(re.findall(r"\bmoodfeed_\w+", expression))
    return {_family(name, known) for name in named}


def _family(name: str, known: Mapping[str, str]) -> str:
    for part in _PARTS:
        if known.get(name.removesuffix(part)) == "histogram":
            return name.removesuffix(part)
    return name.removesuffix("_total") if known.get(name.removesuffix("_total")) == "counter" else name
