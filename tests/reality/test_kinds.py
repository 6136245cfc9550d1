import ast
from collections import Counter
from pathlib import Path

import pytest

from scripts.write_reality import Kind, Row, read_kinds, read_results, render

TESTS = Path(__file__).parents[1]


def test_every_kind_is_shown_by_tests_that_exist() -> None:
    for kind in read_kinds():
        assert kind.rows, kind.title
        for row in kind.rows:
            for test in row.tests:
                file, _, name = test.partition("::")
                tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
                assert not name or name in {
                    node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
                }, test


def test_the_cases_that_passed_are_counted_by_test_and_by_file(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.rpc.test_a" name="test_one[x]"/>
        <testcase classname="tests.rpc.test_a" name="test_one[y]"/>
        <testcase classname="tests.rpc.test_a" name="test_one[z]"><failure/></testcase>
        <testcase classname="tests.rpc.test_a" name="test_two"><skipped/></testcase>
        </testsuite></testsuites>""",
        encoding="utf-8",
    )
    assert read_results(results) == Counter({"rpc/test_a.py": 2, "rpc/test_a.py::test_one": 2})


def test_a_row_whose_test_did_not_run_is_not_written() -> None:
    kinds = (Kind("Cost", (Row("a step", "follows its batch", ("a.py::test_one",)),)),)
    assert "| a step | follows its batch | `tests/a.py` | 3 |" in render(kinds, Counter({"a.py::test_one": 3}))
    with pytest.raises(KeyError, match="test_one"):
        render(kinds, Counter())
