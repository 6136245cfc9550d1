"""Write the table of values in the chart's README from the comments of values.yaml; a test holds it to them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

CHART = Path(__file__).parents[1] / "deploy" / "helm" / "moodfeed"
HEADER = "| value | default | meaning |\n|---|---|---|\n"
LINE = re.compile(r"^(?P<indent> *)(?P<name>[a-zA-Z]+):(?P<value>[^#]*?)(?:#\s*(?P<comment>.*))?$")
WHOLE = ("resources", "autoscaling", "serviceMonitor", "service", "dns", "gatewayFrom", "metricsFrom")
"""What stands in one row, however much it holds."""


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Path, default as JSON and meaning of each value, in the order of the file."""
    values = yaml.safe_load(text)
    path: list[str] = []
    whole_depth: int | None = None
    heading = ""  # the comment of the table or list that a value is in
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None or line.lstrip().startswith("#"):
            continue
        depth = len(found["indent"]) // 2
        if whole_depth is not None and depth > whole_depth:
            continue
        whole_depth = None
        path[depth:] = [found["name"]]
        comment = found["comment"] or ""
        default = values
        for name in path:
            default = default[name]
        if isinstance(default, dict) and default and found["name"] not in WHOLE:
            heading = comment
            continue
        whole_depth = depth
        yield ".".join(path), json.dumps(default), comment or (heading if path[-1] == "enabled" else "")


def table(text: str) -> str:
    """The table of the README."""
    return HEADER + "".join(f"| `{path}` | `{default}` | {meaning} |\n" for path, default, meaning in rows(text))


def main() -> None:
    """Replace the table at the end of the README."""
    readme = CHART / "README.md"
    before = readme.read_text(encoding="utf-8").partition(HEADER)[0]
    readme.write_text(before + table((CHART / "values.yaml").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
