"""People of MicroLens whom training never saw, brought in by RPC with their last posts, and asked for a feed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.clients import VERBS, Caller, Did, calling, post_ids
from benchmarks.live.results import Found, LeftOutError, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import running_product
from bundle.verbs import VERBS as VERB_NAMES
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.cold_start import SHOWN_INTERACTIONS
from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluate import model_recommender
from pipeline.export import export
from pipeline.ranking import measure as measure_ranks
from pipeline.ranking import rank_targets
from pipeline.splits import Split, split_cold_users
from pipeline.train import train
from pipeline.trained_towers import NoTrainedTowersError, TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace

_CONFIG = Path(__file__).parents[2] / "configs" / "microlens.toml"
_BARS = {1: 0.0845, 3: 0.0988, 5: 0.0984}  # what docs/quality.md has of `moodfeed cold-start`
_AT_ONCE = 1000
_BEGUN_MS = 1_700_000_000_000


def measure(bench: Bench) -> Found:
    """Serve towers that were trained without every tenth person, and bring those people in."""
    workspace = Workspace(bench.microlens)
    if not workspace.text_embeddings.exists():
        raise LeftOutError(
            f"{bench.microlens} holds no imported and embedded MicroLens data: run `moodfeed import PATH --data "
            f"{bench.microlens}` and `moodfeed embed --data {bench.microlens}` (docs/quality.md)"
        )
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    splits = {count: split_cold_users(dataset, shown_interactions=count) for count in SHOWN_INTERACTIONS}
    past = splits[SHOWN_INTERACTIONS[0]].past
    towers = _towers(bench, past)
    bench.say("export")
    bundles = bench.scratch / "bundles"
    export(past, towers, None, encoder_directory=default_encoder_directory(), bundles=bundles, sidecar={})
    recommender = model_recommender(towers, past)
    lines = []
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_product(
            bundles, logs=bench.scratch / "logs", embedded=True, variables={"MOODFEED_STORE_URL": url}
        ) as product,
        calling(product.gateway_grpc) as caller,
    ):
        for count, split in splits.items():
            bench.say(f"{len(split.user_rows):,} people, {count} posts each")
            hits = _ask(caller, dataset, split, count)
            offline = measure_ranks(rank_targets(split, recommender)).recall
            lines.append(
                Line(
                    f"Recall@10, k = {count}",
                    float(np.mean(hits)),
                    at_least=_BARS[count],
                    note=f"{len(hits):,} people; {np.mean(offline):.4f} offline by the same towers",
                )
            )
    return Found(
        how="MicroLens-50k, `configs/microlens.toml`, trained without every tenth person; the bundle does not know "
        "them. Their last *k* posts before the held-back one are recorded by `RecordInteractions`, then `GetFeed` is "
        "asked for ten posts. The bars are the offline figures of `moodfeed cold-start` ([quality.md](quality.md)).",
        lines=tuple(lines),
    )


def _towers(bench: Bench, past: Dataset) -> TrainedTowers:
    """The towers of an earlier run with the same data and settings, or new ones."""
    config = TrainingConfig.read(_CONFIG)
    if bench.is_quick:
        config = replace(config, epochs=1)
    digest = hashlib.sha256(json.dumps([past.fingerprint(), asdict(config)], sort_keys=True).encode()).hexdigest()
    own = bench.microlens / "cold-people-towers" / digest[:16]
    try:
        return TrainedTowers.read(own)
    except NoTrainedTowersError:
        if not bench.may_train:
            raise LeftOutError(
                f"{bench.microlens} holds no towers trained without every tenth person: run `python -m benchmarks.live "
                f"--only cold-people --microlens {bench.microlens} --train`, which takes half an hour once"
            ) from None
    bench.say(f"train {config.epochs} epochs without every tenth person")
    own.mkdir(parents=True, exist_ok=True)
    checkpoint = own / "checkpoint.safetensors"
    run = TrainingRun(
        checkpoint=checkpoint, on_epoch=lambda epoch: bench.say(f"epoch {epoch.epoch} of {config.epochs} is done")
    )
    towers = train(past, config, run=run)
    towers.write(own)
    checkpoint.unlink(missing_ok=True)
    return towers


def _ask(caller: Caller, dataset: Dataset, split: Split, count: int) -> list[bool]:
    """Whether each person's held-back post is in their first page."""
    pairs = split.shown.pairs
    names = [f"{dataset.user_ids[row]} shows {count}" for row in split.user_rows]
    rows = [
        Did(
            event_id=f"{name} {pair}",
            username=name,
            post_id=int(dataset.post_ids[pairs.post_rows[pair]]),
            verb=VERBS[VERB_NAMES[pairs.verbs[pair]]],
            occurred_at_ms=_BEGUN_MS + pair * 1000,
        )
        for row, name in zip(split.user_rows, names, strict=True)
        for pair in range(int(pairs.offsets[row]), int(pairs.offsets[row + 1]))
    ]
    for first in range(0, len(rows), _AT_ONCE):
        caller.record(rows[first : first + _AT_ONCE])
    return [
        _is_hit(post_ids(caller.feed(name)), dataset.post_ids[targets].tolist())
        for name, targets in zip(names, split.targets, strict=True)
    ]


def _is_hit(shown: Sequence[int], targets: Sequence[int]) -> bool:
    return not set(targets).isdisjoint(shown)
