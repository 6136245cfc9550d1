"""The score stage, in a file of its own because the other stages load torch."""

from cli.one_writer import only_writer_if_there
from cli.progress import working
from cli.result_rows import print_rows
from pipeline.score import score
from pipeline.workspace import Workspace


def score_stage(workspace: Workspace) -> None:
    """Clean interactions to one strength for each user and post."""
    with only_writer_if_there(workspace.directory), working("score"):
        report = score(workspace.clean, workspace.scores)
    print_rows("Scored", report.rows())
