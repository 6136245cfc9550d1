"""What tests of dashboards and alerts need: they run when they are asked for, and with a Prometheus."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

INSTALL = "sudo apt-get install --no-install-recommends prometheus"


@pytest.fixture(scope="session")
def prometheus_programs(request: pytest.FixtureRequest) -> Mapping[str, Path]:
    """The paths of prometheus and promtool; the test is skipped unless it was asked for, and fails without them."""
    if not request.config.getoption("--run-observability"):
        pytest.skip("needs a Prometheus: run `make test-observability`")
    found = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    missing = " and ".join(name for name, path in found.items() if path is None)
    if missing:
        pytest.fail(f"{missing} not found: {INSTALL}", pytrace=False)
    return {name: Path(path) for name, path in found.items() if path is not None}
