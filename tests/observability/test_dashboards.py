"""Every query of every dashboard and alert, asked of a real Prometheus that watches the real processes under load.

The load lasts while a bundle is swapped, another is refused, and the user tower dies.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.processes import NO_TLS
from bundle.directory import current_bundle, open_bundle, point_current_at
from bundle.file_names import MANIFEST_NAME
from bundle.known_users import KnownUsers
from bundle.manifest import digest_of
from cli.stack import running_stack
from tests.end_to_end.conftest import free_addresses
from tests.held_port import held_port
from tests.observability.mixed_load import running_load
from tests.observability.real_prometheus import Prometheus, running_prometheus
from tests.observability.written_queries import ALERTS, alert_expressions, panels, product_metrics
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(900)  # the bundle is made first, and the load lasts

NORMAL_SECONDS = 15.0
DEGRADED_SECONDS = 12.0
REPLACED = {"$__rate_interval": "10s", "$window": "20s", "$verb": "LIKE", "${datasource}": "prometheus"}
OLD = {"MoodfeedBundleOld"}  # the bundle of the tests says that it was made long ago
ONLY_WITH_A_SETTING = {"moodfeed_trace_spans", "moodfeed_index_milvus_failures"}
EXPECTED = {"MoodfeedProcessDown", "MoodfeedNoReplica", "MoodfeedFeedsDegraded", "MoodfeedBundleRefused"}


@dataclass(frozen=True, slots=True)
class Watched:
    """What Prometheus has seen between two moments, in seconds since 1970."""

    prometheus: Prometheus
    start: float
    end: float
    fired_before_the_faults: frozenset[str]
    families: Mapping[str, str]  # types of all metrics that the processes expose, by name


def _other_bundle(root: Path, *, name: str, damaged: bool = False) -> str:
    """Write a copy of the current bundle that has another id; ``damaged``: of which one byte is wrong."""
    source = current_bundle(root)
    manifest = json.loads((source / MANIFEST_NAME).read_bytes())
    del manifest["bundle_id"]
    manifest["offline_metrics"] = {name: {"recall_at_10": 0.5}}
    bundle_id = digest_of(manifest)
    shutil.copytree(source, root / bundle_id)
    (root / bundle_id / MANIFEST_NAME).write_text(json.dumps({"bundle_id": bundle_id} | manifest), encoding="utf-8")
    if damaged:
        file = max((root / bundle_id).glob("*.safetensors"), key=lambda path: path.stat().st_size)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        open_bundle(root / bundle_id)
    return bundle_id


def _families(addresses: Mapping[str, str]) -> Mapping[str, str]:
    found = {}
    for address in addresses.values():
        text = httpx.get(f"http://{address}/metrics", timeout=10, trust_env=False, verify=NO_TLS).text
        found |= {family.name: family.type for family in text_string_to_metric_families(text)}
    return found


@pytest.fixture(scope="module")
def watched(
    prometheus_programs: Mapping[str, Path], small_bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """Runs the three processes, the load and the faults, and keeps Prometheus for the tests."""
    directory = tmp_path_factory.mktemp("watched")
    bundles = directory / "bundles"
    shutil.copytree(small_bundles, bundles, symlinks=True)
    usernames = KnownUsers.read(open_bundle(current_bundle(bundles))).usernames[:50]
    second, refused = _other_bundle(bundles, name="second"), _other_bundle(bundles, name="third", damaged=True)
    addresses = free_addresses()
    with held_port() as index_port, held_port() as tower_port, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_POST_INDEX_METRICS_PORT", f"{index_port}")
        environment.setenv("MOODFEED_USER_TOWER_METRICS_PORT", f"{tower_port}")
        targets = {
            "gateway": addresses.gateway_http,
            "user_tower_service": f"127.0.0.1:{tower_port}",
            "post_index_service": f"127.0.0.1:{index_port}",
        }
        with (
            running_stack(
                bundles, addresses, logs=directory, store=directory / "store.sqlite", is_for_one_person=True
            ) as stack,
            running_prometheus(
                prometheus_programs["prometheus"], directory, rules=ALERTS, targets=targets
            ) as prometheus,
        ):
            wait_until(lambda: prometheus.all_up(3), what="the three targets", seconds=60)
            start = time.time()
            http = f"http://{addresses.gateway_http}"
            with running_load(addresses.gateway_grpc, http, usernames) as load:
                time.sleep(NORMAL_SECONDS)
                assert load.errors == []
                fired = prometheus.firing()
                for bundle_id, counter in ((second, "swaps_total) > 1"), (refused, "refusals_total) > 0")):
                    point_current_at(bundles, bundle_id)
                    query = f"min(moodfeed_bundle_{counter}"
                    wait_until(
                        lambda query=query: prometheus.get("query", query=query)["result"], what=query, seconds=90
                    )
                time.sleep(NORMAL_SECONDS / 3)
                assert load.errors == []
                assert load.rounds > 50
                families = _families(targets)
                stack.processes["user_tower_service"].kill()
                time.sleep(DEGRADED_SECONDS)
            yield Watched(prometheus, start, time.time(), frozenset(fired), families)


def _filled(expression: str) -> str:
    for variable, value in REPLACED.items():
        expression = expression.replace(variable, value)
    return expression


@pytest.mark.parametrize("where", [where for where, _, _ in panels()])
def test_a_query_of_a_dashboard_returns_finite_numbers(watched: Watched, where: str) -> None:
    expression = next(_filled(expression) for name, expression, _ in panels() if name == where)
    assert "$" not in expression
    assert watched.prometheus.finite_series(expression, start=watched.start, end=watched.end) > 0, expression


@pytest.mark.parametrize("alert", [name for name, _ in alert_expressions()])
def test_an_alert_is_evaluated_without_an_error(watched: Watched, alert: str) -> None:
    (rule,) = [rule for rule in watched.prometheus.rules() if rule["name"] == alert]
    assert (rule["health"], rule.get("lastError", "")) == ("ok", "")


def test_no_alert_fires_while_all_is_well(watched: Watched) -> None:
    assert watched.fired_before_the_faults <= OLD


def test_the_alerts_of_the_faults_fire(watched: Watched) -> None:
    assert watched.prometheus.firing() >= EXPECTED


def test_the_processes_expose_the_metrics_that_the_code_defines(watched: Watched) -> None:
    exposed = {name for name in watched.families if name.startswith("moodfeed_") and not name.endswith("_created")}
    assert set(product_metrics()) - exposed <= ONLY_WITH_A_SETTING
    assert {name: watched.families[name] for name in exposed}.items() <= product_metrics().items()


def test_the_labels_hold_no_username_and_are_few(watched: Watched) -> None:
    series = watched.prometheus.get("series", **{"match[]": '{__name__=~"moodfeed_.+"}'}, start=watched.start)
    values = {value for labels in series for name, value in labels.items() if name != "__name__"}
    assert not [value for value in values if re.search(r"hopeful|😂|a poster|Waves", value)]
    assert len(series) < 3000
