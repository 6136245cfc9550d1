"""What the figures of the living feed are measured with, at the sizes of --quick."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from benchmarks.live.bench import Bench


@pytest.fixture(scope="package")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle for all figures."""
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture
def bench(tmp_path: Path, bundles: Path) -> "Bench":
    from benchmarks.live.bench import Bench

    return Bench(tmp_path, bundles, is_quick=True, say=lambda _: None, microlens=tmp_path / "microlens")
