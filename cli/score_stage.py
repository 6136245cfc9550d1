"""The score stage, in a file of its own because the other stages load torch."""

from cli.progress import working
from cli.result_rows import print_rows
from pipeline.score import score
from pipeline.workspace import Workspace


def score_stage(workspace: Workspace) -> None:
    """Clean interactions to one strength for each user and post."""
    with working("score"):
        report = score(workspace.clean, workspace.scores)
    print_rows("Scored", report.rows())
