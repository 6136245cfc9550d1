from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.pipeline_commands import Objective, SplitName
from cli.subcommands import app
from pipeline.evaluate import SPLITS
from pipeline.training_config import OBJECTIVES


def test_the_choices_of_the_commands_are_those_of_the_pipeline() -> None:
    assert [*Objective] == [*OBJECTIVES]
    assert [*SplitName] == [*SPLITS]


@pytest.mark.parametrize(
    ("names", "message"),
    [(("one/wide.toml", "two/wide.toml"), "both be named 'wide'"), (("one/default.toml",), "rename the file")],
)
def test_candidates_that_a_report_could_not_tell_apart_are_refused(
    names: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    candidates = [part for name in names for part in ("--candidate", str(tmp_path / name))]
    done = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path), *candidates])
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())
