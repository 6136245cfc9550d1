"""Tests that start real servers which the product does not bring; they run with --run-scale alone (make test-scale)."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-scale"):
        return
    skip = pytest.mark.skip(reason="needs --run-scale")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(skip)
