"""A real Prometheus with deploy/observability/prometheus-secure.yml reads metrics over HTTPS."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.processes import free_addresses
from cli.certificates import PROCESSES, write_certificates
from rpc.metrics_server import start_metrics_server
from rpc.tls import ServerTls
from tests.observability.real_prometheus import running_as_written
from tests.waiting import wait_until

WRITTEN = Path(__file__).parents[2] / "deploy" / "observability" / "prometheus-secure.yml"
_BY_DNS = re.compile(r"dns_sd_configs: \[\{ names: \[(\w+)\].*")


def test_prometheus_trusts_each_process_by_its_name_and_no_other(
    prometheus_programs: Mapping[str, Path], tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    write_certificates(secrets, lifetime=timedelta(hours=1))
    assert [file.name for file in (secrets / "scraper").iterdir()] == ["authority.pem"]
    addresses = dict(zip(PROCESSES, free_addresses(len(PROCESSES)), strict=True))
    shown = dict(zip(PROCESSES, ("gateway", "user_tower_service", "gateway"), strict=True))  # one has a wrong one
    for name, address in addresses.items():
        files = secrets / shown[name]
        tls = ServerTls(files / "certificate.pem", files / "key.pem", files / "authority.pem")
        start_metrics_server("127.0.0.1", int(address.rpartition(":")[2]), tls)
    text = WRITTEN.read_text(encoding="utf-8").replace("/authority/", f"{secrets}/scraper/").replace("15s", "500ms")
    text = _BY_DNS.sub(lambda found: f'static_configs: [{{ targets: ["{addresses[found[1]]}"] }}]', text)
    (tmp_path / "prometheus.yml").write_text(text.replace("rule_files: [alerts.yml]", ""), encoding="utf-8")
    with running_as_written(prometheus_programs["prometheus"], tmp_path) as prometheus:
        wait_until(lambda: prometheus.up() == {"gateway", "user_tower_service"}, what="both are scraped")

        def unreached() -> list[Any]:
            return [target for target in prometheus.get("targets")["activeTargets"] if target["health"] == "down"]

        wait_until(unreached, what="one is not")
        (index,) = unreached()
    assert index["labels"]["job"] == "post_index_service"
    assert "certificate is valid for" in index["lastError"]
