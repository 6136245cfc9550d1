"""The draw of mutants and what is counted; `make mutants` tests them, which takes too long for this suite."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mutants() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")  # where a process of a test run looks too
        yield importlib.import_module("mutants")


@pytest.fixture(scope="module")
def drawn(mutants: ModuleType) -> list[Any]:
    return mutants.draw(130, seed=3, only=["pipeline/losses.py", "gateway/feed.py"])


SOURCE = '''
LIMIT = 5

@decorated(3)
def keep(values: dict[str, int | None], *, least: int = 2 + 4) -> int | None:
    """Not 7."""
    return values["a"] - 1 if least > LIMIT else None
'''


def test_places_are_those_of_code_that_runs(mutants: ModuleType) -> None:
    lines = SOURCE.splitlines()
    places = mutants.places_of(SOURCE)
    assert sorted({lines[line - 1][column] for line, column in places if line == 5}) == ["+", "2", "4"]
    assert {line for line, _ in places} == {2, 5, 7}  # neither decorator nor docstring
    ways = {name for candidates in places.values() for name, _ in candidates}
    assert {
        "core/ReplaceBinaryOperator_Sub_Add",
        "core/NumberReplacer",
        "core/ReplaceComparisonOperator_Gt_GtE",
    } <= ways
    assert "core/ReplaceBinaryOperator_Sub_BitOr" not in ways


def test_each_mutant_is_another_program(mutants: ModuleType, drawn: list[Any]) -> None:
    assert {mutant.file for mutant in drawn} == {"pipeline/losses.py", "gateway/feed.py"}
    assert len(drawn) >= 20
    assert len({(mutant.file, mutant.code) for mutant in drawn}) == len(drawn)
    for mutant in drawn:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.code)) != ast.dump(ast.parse(source))
        assert mutant.before in source
        assert mutant.after in mutant.code


def test_the_same_seed_draws_the_same_mutants_of_a_file_beside_others_and_alone(
    mutants: ModuleType, drawn: list[Any]
) -> None:
    file = "pipeline/losses.py"
    assert mutants.draw(130, seed=3, only=[file]) == [mutant for mutant in drawn if mutant.file == file]
    assert mutants.draw(130, seed=4, only=[file]) != [mutant for mutant in drawn if mutant.file == file]


def test_every_test_that_is_named_exists_and_every_equivalent_mutant_is_of_a_line_that_does(
    mutants: ModuleType,
) -> None:
    for tests in mutants.TESTS.values():
        assert tests
        assert all((ROOT / test).is_file() for test in tests)
    for entry in mutants.read_equivalent():
        assert entry["reason"]
        lines = [line.strip() for line in (ROOT / entry["file"]).read_text(encoding="utf-8").splitlines()]
        assert entry["before"] in lines, entry
        assert entry["after"] != entry["before"]


def test_the_score_is_over_the_mutants_that_change_something(mutants: ModuleType, drawn: list[Any]) -> None:
    mutant = drawn[0]
    fates = ["caught", "caught at import", "timed out", "survived", "equivalent", "equivalent"]
    outcomes = [mutants.Outcome(mutant, fate, "it is so" if fate == "equivalent" else "", 1.0) for fate in fates]
    assert mutants.score_of(outcomes) == 0.75
    text = mutants.table(outcomes)
    assert f"| {mutant.file} | 6 | 1 | 1 | 1 | 1 | 2 | 75.0 % |" in text
    assert f"- {mutant.file}:{mutant.line} `{mutant.before}` → `{mutant.after}`\n" in text
    assert text.count("it is so") == 2


def test_a_broken_copy_is_noticed_and_whole_again(mutants: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "limit.py").write_text("LIMIT = 5\n", encoding="utf-8")
    (tmp_path / "tests" / "test_limit.py").write_text(
        "from limit import LIMIT\n\ndef test_it():\n    assert LIMIT == 5\n", encoding="utf-8"
    )
    mutants.TESTS["limit.py"] = ("tests/test_limit.py",)
    try:
        for code, fate in (
            ("LIMIT = 5.0\n", "survived"),
            ("LIMIT = 6\n", "caught"),
            ("import nothing_like_it\n", "caught at import"),
            ("while True: pass\n", "timed out"),
        ):
            mutant = mutants.Mutant("limit.py", 1, "", "LIMIT = 5", code.strip(), code)
            outcome = mutants.try_mutant(tmp_path, mutant, timeout=60.0 if fate != "timed out" else 1.0, equivalent=())
            assert (outcome.fate, (tmp_path / "limit.py").read_text(encoding="utf-8")) == (fate, "LIMIT = 5\n")
        known = [{"file": "limit.py", "before": "LIMIT = 5", "after": "LIMIT = 5.0", "reason": "equal"}]
        mutant = mutants.Mutant("limit.py", 9, "", "LIMIT = 5", "LIMIT = 5.0", "LIMIT = 5.0\n")
        assert mutants.try_mutant(tmp_path, mutant, timeout=60.0, equivalent=known).reason == "equal"
    finally:
        del mutants.TESTS["limit.py"]
