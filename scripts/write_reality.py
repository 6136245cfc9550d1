"""Run the tests of docs/reality.md and write what came out of them into the page.

    python -m scripts.write_reality

tests/reality/kinds.toml says which tests belong to which kind. The exit code is pytest's: the page is written only if
every test passed.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.whole_files import write_whole_text

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests" / "reality" / "kinds.toml"
DOCUMENT = ROOT / "docs" / "reality.md"
BEGIN, END = "<!-- kinds -->\n", "<!-- end of kinds -->\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the page: the input, the result, and the tests that show it, as ``file::test``."""

    tried: str
    comes_out: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of faults, in the order of the page."""

    title: str
    rows: tuple[Row, ...]


def read_kinds(path: Path = TABLE) -> tuple[Kind, ...]:
    """The kinds of the table."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Kind(kind["title"], tuple(Row(row["tried"], row["comes_out"], tuple(row["tests"])) for row in kind["row"]))
        for kind in document["kind"]
    )


def read_results(path: Path) -> Counter[str]:
    """How many cases of each test, named as in the table, passed, from pytest's JUnit XML."""
    passed: Counter[str] = Counter()
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - pytest has just written it
        if any(case.find(tag) is not None for tag in ("failure", "error", "skipped")):
            continue
        file = case.get("classname", "").removeprefix("tests.").replace(".", "/") + ".py"
        for name in (file, f"{file}::{case.get('name', '').partition('[')[0]}"):
            passed[name] += 1
    return passed


def render(kinds: tuple[Kind, ...], passed: Counter[str]) -> str:
    """The kinds as Markdown tables; KeyError for a test of which no case passed."""
    lines = []
    for number, kind in enumerate(kinds, start=1):
        lines += [f"### {number}. {kind.title}", "", "| input | result | tests | cases |", "|---|---|---|---|"]
        for row in kind.rows:
            missing = [test for test in row.tests if not passed[test]]
            if missing:
                raise KeyError(f"no case of {missing[0]} has passed")
            files = ", ".join(
                f"`tests/{file}`" for file in dict.fromkeys(test.partition("::")[0] for test in row.tests)
            )
            lines.append(f"| {row.tried} | {row.comes_out} | {files} | {sum(passed[test] for test in row.tests)} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the tests, write the page, and return pytest's exit code."""
    kinds = read_kinds()
    tests = dict.fromkeys(f"tests/{test}" for kind in kinds for row in kind.rows for test in row.tests)
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory) / "results.xml"
        command = [sys.executable, "-m", "pytest", *tests, f"--junitxml={results}", *sys.argv[1:]]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - pytest, with names of our table
        if code:
            return code
        table = render(kinds, read_results(results))
    text = DOCUMENT.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    write_whole_text(DOCUMENT, text[:start] + table + text[end:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
