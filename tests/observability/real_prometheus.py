"""A real Prometheus that scrapes real processes, and what it answers."""

import math
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.processes import NO_TLS
from tests.held_port import held_port
from tests.waiting import wait_until

_SCRAPE = "500ms"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """It answers at an address, host:port."""

    address: str

    def get(self, path: str, **parameters: str | float) -> Any:
        """The data of an answer; AssertionError with Prometheus's own words if it refuses."""
        reply = httpx.get(
            f"http://{self.address}/api/v1/{path}", params=parameters, timeout=30, trust_env=False, verify=NO_TLS
        )
        document = reply.json()
        assert document["status"] == "success", f"{parameters}: {document.get('error')}"
        return document["data"]

    def finite_series(self, expression: str, *, start: float, end: float) -> int:
        """How many series of an expression have a finite number between two moments, in seconds since 1970."""
        found = self.get("query_range", query=expression, start=start, end=end, step=1)["result"]
        return sum(any(math.isfinite(float(number)) for _, number in series["values"]) for series in found)

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = self.get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def rules(self) -> list[Mapping[str, Any]]:
        """The rules as they were evaluated last."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def up(self) -> set[str]:
        """The jobs of the processes that are reached."""
        return {series["metric"]["job"] for series in self.get("query", query="up == 1")["result"]}

    def all_up(self, count: int) -> bool:
        """Whether so many processes are reached."""
        return len(self.get("query", query="up == 1")["result"]) == count


@contextmanager
def running_prometheus(
    program: Path, directory: Path, *, rules: Path, targets: Mapping[str, str]
) -> Iterator[Prometheus]:
    """Scrape the ``targets``, host:port by job, until the block ends; alerts need not last before they fire."""
    at_once = re.sub(r"^( *for:) \S+$", r"\1 2s", rules.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (directory / "alerts.yml").write_text(at_once, encoding="utf-8")
    jobs = "".join(
        f'  - job_name: {job}\n    static_configs: [{{ targets: ["{address}"] }}]\n' for job, address in targets.items()
    )
    (directory / "prometheus.yml").write_text(
        f"global: {{ scrape_interval: {_SCRAPE}, scrape_timeout: {_SCRAPE}, evaluation_interval: 1s }}\n"
        f"rule_files: [alerts.yml]\nscrape_configs:\n{jobs}",
        encoding="utf-8",
    )
    with running_as_written(program, directory) as prometheus:
        yield prometheus


@contextmanager
def running_as_written(program: Path, directory: Path) -> Iterator[Prometheus]:
    """Run with the prometheus.yml of the directory until the block ends."""
    log = directory / "prometheus.log"
    with held_port() as port, log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=output,
            stderr=output,
        )
        try:
            prometheus = Prometheus(f"127.0.0.1:{port}")
            wait_until(lambda: _is_ready(prometheus), what=f"Prometheus ({log})", seconds=60)
            yield prometheus
        finally:
            process.terminate()
            process.wait(20)


def _is_ready(prometheus: Prometheus) -> bool:
    try:
        reply = httpx.get(f"http://{prometheus.address}/-/ready", timeout=2, trust_env=False, verify=NO_TLS)
    except httpx.HTTPError:
        return False
    return reply.status_code == 200
