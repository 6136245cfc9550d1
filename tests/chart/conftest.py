"""The chart, rendered once for all tests by Helm's own code, with the defaults and with each example."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "moodfeed"
EXAMPLES = sorted((ROOT / "deploy" / "helm" / "examples").glob("*.yaml"))
CASES = ("defaults", *(path.stem for path in EXAMPLES))
VERSIONS = ("1.30.0", "1.34.0", "1.37.0")
PYTHON = ROOT / ".venv-chart" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Helm made of some values: the text of each template, what its lint found, what Kubernetes would refuse."""

    manifests: Mapping[str, str]
    findings: list[str]
    refusals: list[str]

    def objects(self, kind: str = "") -> list[dict]:
        return [
            document
            for name, text in self.manifests.items()
            if name.endswith(".yaml")
            for document in yaml.safe_load_all(text)
            if document and kind in {"", document["kind"]}
        ]

    def named(self, kind: str, name: str) -> dict:
        (found,) = [item for item in self.objects(kind) if item["metadata"]["name"] == f"feed-moodfeed-{name}"]
        return found


def in_helm(cases: Mapping[str, object], *, versions: tuple[str, ...] = ()) -> dict[str, dict]:
    asked = {"chart": str(CHART), "versions": versions, "cases": cases}
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("chart_program.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="session", autouse=True)
def chart_is_asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-chart"):
        pytest.skip("needs .venv-chart: run `make test-chart`")


@pytest.fixture(scope="session")
def rendered() -> Mapping[str, Rendered]:
    cases = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in EXAMPLES}
    answers = in_helm({"defaults": {}} | cases, versions=VERSIONS)
    assert {name: answer["error"] for name, answer in answers.items() if "error" in answer} == {}
    return {name: Rendered(**answer) for name, answer in answers.items()}
