"""Measure RecTools' SASRec on MicroLens: one table.

    python scripts/peers_microlens.py PATH/TO/DIRECTORY

It runs in an environment of its own (`make peers MICROLENS=DIRECTORY`) and imports none of our packages: RecTools needs
NumPy 1 and pandas 2. The directory holds interactions.parquet (user_id, post_id, position from 0, the oldest) and
posts.parquet (post_id, category_id; 0 is "other") of the MicroLens selection (Ni et al. 2023, arXiv 2309.15379).

Trained on all but each person's last interaction, a method ranks all posts but those of the person's history for that
last one. Unknown posts rank last, and ties count against the target. In category, the candidates are the posts of the
target's category, and targets in "other" are left out. Popularity is included as a check of the protocol.

SASRec (Kang and McAuley 2018, arXiv 1808.09781) has 64 dimensions, 2 blocks, 64 negatives and 15 epochs. This script
adds sampled softmax and histories of the 20 latest posts (99 % of users have no more). The rest is RecTools' default.
"""

import argparse
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

CUTOFF = 10
OTHER = 0
PEOPLE_AT_ONCE = 500

DIMENSION = 64
BLOCKS = 2
NEGATIVES = 64
LOSS = "sampled_softmax"
HISTORY_LENGTH = 20

Scorer = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # rows of people -> scores [people, posts]


@dataclass(frozen=True, slots=True)
class Split:
    """Histories and targets; people and posts are rows, in the order of their ids.

    ``categories`` int64 [posts]; ``history_people`` and ``history_posts`` int64 [interactions], by person, oldest
    first; ``targets`` int64 [people], the post last met.
    """

    categories: NDArray[np.int64]
    history_people: NDArray[np.int64]
    history_posts: NDArray[np.int64]
    targets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Means over people, each 0..1; with one target a person, Recall@10 is HitRate@10."""

    people: int
    recall_at_10: float
    recall_standard_error: float
    ndcg_at_10: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table."""

    method: str
    overall: Accuracy
    in_category: Accuracy
    training_seconds: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained method and its training time."""

    score: Scorer
    seconds: float


def read_split(directory: Path) -> Split:
    """Read the two files and hold back the last interaction of each person."""
    posts = pd.read_parquet(directory / "posts.parquet", columns=["post_id", "category_id"]).sort_values("post_id")
    table = pd.read_parquet(directory / "interactions.parquet").sort_values(["user_id", "position"])
    if not table["post_id"].isin(posts["post_id"]).all():
        raise ValueError(f"{directory}: interactions with posts that posts.parquet does not have")
    _, people = np.unique(table["user_id"].to_numpy(), return_inverse=True)
    met = posts["post_id"].searchsorted(table["post_id"].to_numpy())
    is_last = np.append(people[1:] != people[:-1], True)
    return Split(
        categories=posts["category_id"].to_numpy(),
        history_people=people[~is_last],
        history_posts=met[~is_last],
        targets=met[is_last],
    )


def count_popularity(split: Split) -> Trained:
    """Score a post by its number of users."""
    started = time.monotonic()
    counts = np.bincount(split.history_posts, minlength=len(split.categories)).astype(np.float32)
    return Trained(lambda people: np.tile(counts, (len(people), 1)), time.monotonic() - started)


def train_sasrec(split: Split, *, epochs: int, seed: int) -> Trained:
    """Train SASRec on all histories; posts without interactions score minus infinity."""
    # Imported here: it takes seconds, and the rest of this file works without RecTools.
    from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything  # noqa: PLC0415
    from rectools.dataset import Dataset  # noqa: PLC0415
    from rectools.models import SASRecModel  # noqa: PLC0415
    from rectools.models.nn.item_net import IdEmbeddingsItemNet  # noqa: PLC0415

    class Progress(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
            loss = float(trainer.callback_metrics["train_loss"])
            tell(f"epoch {trainer.current_epoch + 1} of {epochs}: loss {loss:.4f}, {time.monotonic() - started:.0f} s")

    def trainer() -> Trainer:
        return Trainer(
            accelerator="cpu",
            callbacks=[Progress()],
            deterministic=True,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            logger=False,
            max_epochs=epochs,
            min_epochs=epochs,
        )

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    started = time.monotonic()
    seed_everything(seed)
    histories = Dataset.construct(
        pd.DataFrame(
            {
                "user_id": split.history_people,
                "item_id": split.history_posts,
                "weight": 1.0,
                # The set has an order but no timestamps; RecTools uses this column for sorting only.
                "datetime": pd.to_datetime(np.arange(len(split.history_posts)), unit="s"),
            }
        )
    )
    model = SASRecModel(
        n_factors=DIMENSION,
        n_blocks=BLOCKS,
        loss=LOSS,
        n_negatives=NEGATIVES,
        session_max_len=HISTORY_LENGTH,
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=trainer,
        recommend_torch_device="cpu",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in RecTools' dependencies, and the missing validation set
        model.fit(histories)
        seconds = time.monotonic() - started
        people = model.data_preparator.transform_dataset_u2i(histories, np.arange(len(split.targets)))
    return Trained(_scorer(model, people, len(split.categories)), seconds)


def _scorer(model: "SASRecModel", people: "Dataset", posts: int) -> Scorer:  # noqa: F821, the names are RecTools'
    batches = model.data_preparator.get_dataloader_recommend(people, PEOPLE_AT_ONCE)
    network = model.torch_model.eval()
    with torch.inference_mode():
        items = network.item_model.get_all_embeddings()  # [padding and known posts, dimension]
        latest = torch.cat([network.encode_sessions(batch, items)[:, -1] for batch in batches])
    person_embeddings = np.empty((len(latest), DIMENSION), dtype=np.float32)
    person_embeddings[people.user_id_map.get_external_sorted_by_internal()] = latest.numpy()
    known_posts = model.data_preparator.get_known_item_ids().astype(np.int64)
    known_embeddings = items[model.data_preparator.get_known_items_sorted_internal_ids()].numpy()

    def score(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.full((len(rows), posts), -np.inf, dtype=np.float32)
        scores[:, known_posts] = person_embeddings[rows] @ known_embeddings.T
        return scores

    return score


def measure(method: str, trained: Trained, split: Split, people: NDArray[np.int64]) -> Measurement:
    """Rank and measure for these people, a chunk at a time."""
    ranks, ranks_in_category = [], []
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        chunk = people[start : start + PEOPLE_AT_ONCE]
        overall, in_category = rank_targets(trained.score(chunk), split, chunk)
        ranks.append(overall)
        ranks_in_category.append(in_category)
        if start // PEOPLE_AT_ONCE % 20 == 0:
            tell(f"{method}: ranked for {start + len(chunk)} of {len(people)} people")
    has_category = split.categories[split.targets[people]] != OTHER
    return Measurement(
        method=method,
        overall=accuracy(np.concatenate(ranks)),
        in_category=accuracy(np.concatenate(ranks_in_category)[has_category]),
        training_seconds=trained.seconds,
    )


def rank_targets(
    scores: NDArray[np.float32], split: Split, people: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank of each target from 0, among all posts and among those of its category: int64 [people] each.

    The rank is the number of other candidates that score as high or higher. Overwrites the scores of the histories.
    """
    targets = split.targets[people]
    rows = np.arange(len(people))
    if np.isnan(scores).any():
        raise ValueError("a score is NaN: the training has diverged")
    starts = np.searchsorted(split.history_people, people)
    ends = np.searchsorted(split.history_people, people, side="right")
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        scores[row, split.history_posts[start:end]] = np.nan  # neither above the target nor tied with it
    rivals = scores >= scores[rows, targets][:, None]
    rivals[rows, targets] = False
    is_same_category = split.categories == split.categories[targets][:, None]
    return rivals.sum(axis=1), (rivals & is_same_category).sum(axis=1)


def accuracy(ranks: NDArray[np.int64]) -> Accuracy:
    """Recall and NDCG at 10, with one target for each person."""
    hits = ranks < CUTOFF
    return Accuracy(
        people=len(ranks),
        recall_at_10=float(hits.mean()),
        recall_standard_error=float(hits.std() / np.sqrt(len(hits))),
        ndcg_at_10=float(np.where(hits, 1 / np.log2(ranks + 2), 0).mean()),
    )


def print_table(measurements: list[Measurement]) -> None:
    """One row a method."""
    print(
        f"{'method':<18}{'people':>8}{'Recall@10':>11}{'std. error':>12}{'NDCG@10':>9}"
        f"{'in category: people':>21}{'Recall@10':>11}{'std. error':>12}{'NDCG@10':>9}{'training':>10}"
    )
    for row in measurements:
        within = row.in_category
        print(
            f"{row.method:<18}{row.overall.people:>8}{row.overall.recall_at_10:>11.4f}"
            f"{row.overall.recall_standard_error:>12.4f}{row.overall.ndcg_at_10:>9.4f}"
            f"{within.people:>21}{within.recall_at_10:>11.4f}{within.recall_standard_error:>12.4f}"
            f"{within.ndcg_at_10:>9.4f}{row.training_seconds:>8.0f} s"
        )


def write_json(measurements: list[Measurement], arguments: argparse.Namespace) -> None:
    """Write the table with the settings and versions that reproduce it."""
    document = {
        "methods": [asdict(row) for row in measurements],
        "settings": {
            "dimension": DIMENSION,
            "blocks": BLOCKS,
            "loss": LOSS,
            "negatives": NEGATIVES,
            "history_length": HISTORY_LENGTH,
            "epochs": arguments.epochs,
            "seed": arguments.seed,
            "threads": arguments.threads,
        },
        "versions": {name: version(name) for name in ("rectools", "torch", "pytorch-lightning", "numpy")},
    }
    arguments.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def tell(progress: str) -> None:
    """Print progress to stderr; stdout is for the table."""
    print(progress, file=sys.stderr, flush=True)


def main() -> None:
    """Train, measure, print the table."""
    parser = argparse.ArgumentParser(description="Measure SASRec, as RecTools implements it, on MicroLens.")
    parser.add_argument("microlens", type=Path, help="directory of interactions.parquet and posts.parquet")
    parser.add_argument("--people", type=int, help="measure on so many random people (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the training and of the choice of people (default: 0)")
    parser.add_argument("--epochs", type=int, default=15, help="default: 15, 20 to 30 minutes on one thread")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    parser.add_argument("--output", type=Path, help="write the table to this file as JSON too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    split = read_split(arguments.microlens)
    people = np.arange(len(split.targets))
    if arguments.people is not None:
        people = np.sort(np.random.default_rng(arguments.seed).choice(people, arguments.people, replace=False))
    methods = {
        "popularity": count_popularity,
        "SASRec (RecTools)": lambda split: train_sasrec(split, epochs=arguments.epochs, seed=arguments.seed),
    }
    measurements = [measure(name, train(split), split, people) for name, train in methods.items()]
    print_table(measurements)
    if arguments.output:
        write_json(measurements, arguments)


if __name__ == "__main__":
    main()
