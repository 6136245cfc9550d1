"""What tests of metrics and traces need beside the product is installed by `make test-observability`."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def is_asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-observability"):
        pytest.skip("takes minutes and needs .venv-observability: run `make test-observability`")
