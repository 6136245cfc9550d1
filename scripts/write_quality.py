"""Write the tables of the sample data into docs/quality.md and README.md, from one evaluation.

    python scripts/write_quality.py [--data DIRECTORY]

Without ``--data`` the default sample world is generated, ingested and judged on six months, as `moodfeed evaluate`
does; four minutes on two cores. With it the evaluation.json of that workspace is used, and its live_evaluation.json if
`moodfeed evaluate --live` wrote one of the same data.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.sample_workspace import ingest_sample_world
from pipeline.dataset import read_dataset
from pipeline.evaluate import evaluate
from pipeline.evaluation import MODEL_NAME, Evaluation, fraction, verdict_line
from pipeline.evaluation_markdown import markdown
from pipeline.live_evaluation.live_results import Asked, LiveEvaluation
from pipeline.training_config import TrainingConfig
from pipeline.whole_files import write_whole_text
from pipeline.workspace import Workspace
from sample_api.world import generate_world

ROOT = Path(__file__).parents[1]
QUALITY, README = ROOT / "docs" / "quality.md", ROOT / "README.md"
MONTHS = 6


def evaluate_sample() -> Evaluation:
    """Judge the default sample world."""
    with TemporaryDirectory() as directory:
        workspace = Workspace(Path(directory))
        ingest_sample_world(generate_world(), workspace)
        return evaluate(
            read_dataset(workspace.clean, workspace.text_embeddings),
            TrainingConfig(),
            months=MONTHS,
            on_month=lambda number, count, split: print(f"month {number} of {count}, {split.label}", flush=True),
        )


def write_between(document: Path, name: str, text: str) -> None:
    """Replace what stands between the markers of a name, in one step."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    old = document.read_text(encoding="utf-8")
    start = old.index(begin) + len(begin)
    write_whole_text(document, old[:start] + text.strip() + "\n" + old[old.index(end, start) :])


def verdicts(evaluation: Evaluation) -> str:
    """One line for each group of people."""
    return "\n".join(f"- {verdict_line(group)}" for group in evaluation.people)


def live_table(live: LiveEvaluation) -> str:
    """NDCG@10 of every method by what was known, at both kinds of moment."""
    moments = {"a session's start": live.session_start, "each next post": live.next_post}
    return "\n\n".join(_moments(name, found) for name, found in moments.items())


def _moments(name: str, found: Asked) -> str:
    verdict, variants = found.verdict, found.variants
    methods = sorted(found.everybody.methods.items(), key=lambda item: item[1][variants[-1]].ndcg_at_10.mean)
    rows = [
        [method, *(fraction(metrics[variant].ndcg_at_10.mean) for variant in variants)] for method, metrics in methods
    ]
    lines = [[f"at {name}", *variants], ["---"] * (len(variants) + 1)]
    lines += [[f"**{cell}**" for cell in row] if row[0] == MODEL_NAME else row for row in rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\nBeside the live baseline {verdict.baseline}, the live model is {verdict.standing}."


def main() -> None:
    """Evaluate, or read what was evaluated, and write both documents."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/quality.md and README.md.")
    parser.add_argument("--data", type=Path, help="workspace whose evaluation.json is written")
    arguments = parser.parse_args()
    evaluation = Evaluation.read(Workspace(arguments.data).evaluation) if arguments.data else evaluate_sample()
    write_between(QUALITY, "sample", markdown(evaluation))
    write_between(README, "verdicts", verdicts(evaluation))
    print(verdicts(evaluation))
    if arguments.data and (
        live := LiveEvaluation.read_of(
            Workspace(arguments.data).live_evaluation, fingerprint=evaluation.data_fingerprint
        )
    ):
        write_between(QUALITY, "live", live_table(live))


if __name__ == "__main__":
    main()
