"""Measure the way from a foreign file to a bundle on made-up events: import, score, one epoch of training, export.

    python -m scripts.measure_chain 11000000 --directory data/chain

It prints a table of each stage's seconds and peak memory as it goes, and their sum. The events are those of
measure_import.py, the sentence embeddings are made up: `moodfeed embed` would take an hour for 200,000 titles, and is
not part of what is measured. Every stage is a process of its own, whose peak memory is its ru_maxrss.
"""

import argparse
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from pipeline.tables import read_posts
from pipeline.workspace import Workspace
from scripts.made_up_workspace import write_made_up_text_embeddings
from scripts.measure_import import FORMATS, Cost, Size, make_set, run


def main() -> None:
    """Make the set, run the stages, and print a row for each."""
    arguments = _arguments()
    size = Size(
        arguments.events,
        people=arguments.people or max(1, min(1_000_000, arguments.events // 10)),
        posts=arguments.posts or max(1, min(200_000, arguments.events // 50)),
    )
    source, data = arguments.directory / "source", arguments.directory / "data"
    make_set(source, size, arguments.format)
    print(f"{size.events:,} events of {size.people:,} people and {size.posts:,} posts, {arguments.format}\n")
    print("| stage | seconds | processors | peak |")
    print("|---|---|---|---|", flush=True)
    costs: list[Cost] = []

    def measure(name: str, *command: str) -> None:
        costs.append(run(*command, "--data", str(data)))
        print(f"| {name} | {costs[-1]} |", flush=True)

    measure("import", "import", str(source))
    measure("score", "score")
    embedding = get_context("spawn").Process(target=_write_text_embeddings, args=(data,))
    embedding.start()
    embedding.join()
    measure("train, one epoch", "train", "--epochs", "1")
    measure("export", "export", "--bundles", str(arguments.directory / "bundles"))
    whole = Cost(
        sum(cost.seconds for cost in costs),
        sum(cost.processor_seconds for cost in costs),
        max(cost.peak for cost in costs),
    )
    print(f"| all | {whole} |", flush=True)


def _write_text_embeddings(data: Path) -> None:
    workspace = Workspace(data)
    post_ids = np.sort(read_posts(workspace.clean)["post_id"].to_numpy(np.int64))
    write_made_up_text_embeddings(workspace.text_embeddings, post_ids, np.random.default_rng(0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure import, score, train and export.")
    parser.add_argument("events", type=int, help="number of events")
    parser.add_argument("--format", default="csv", choices=FORMATS, help="default: csv")
    parser.add_argument("--people", type=int, help="number of people; by default a tenth of the events, at most 1M")
    parser.add_argument("--posts", type=int, help="number of posts; by default a fiftieth, at most 200,000")
    parser.add_argument("--directory", type=Path, default=Path("data/chain"), help="default: data/chain")
    return parser.parse_args()


if __name__ == "__main__":
    main()
