"""Write the bundle: everything that serving needs of a training run, and nothing else."""

import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.torch import save_file

from bundle import file_names
from bundle.blend import Blend
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts
from bundle.manifest import Json, Manifest
from bundle.stand_in_titles import write_stand_in_titles
from bundle.stored_bundles import DEFAULT_KEEP
from mood_encoder.encoder_files import encoder_files
from mood_encoder.mood_reader import MoodReader
from mood_encoder.mood_space_file import write_mood_space
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.blend_weights import default_weights
from pipeline.bundle_contents import counts, index_posts, known_users, post_steps, post_tower_tensors, post_trends
from pipeline.canaries import ServingRanker, make_canaries
from pipeline.convert_encoder import write_served_encoder
from pipeline.dataset import Dataset, DatasetError
from pipeline.embed import encoder_fingerprint
from pipeline.encode import encode_posts, encode_users
from pipeline.evaluation import Evaluation
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.mood_balance import TYPICAL_MOODS, balance, typical_users
from pipeline.mood_quality import measure_moods
from pipeline.publish import Published, write_and_publish
from pipeline.report import Report
from pipeline.report_examples import choose_examples
from pipeline.stand_in_titles import stand_in_titles
from pipeline.tower_scores import spread_of
from pipeline.trained_towers import TrainedTowers
from pipeline.validation_report import ValidationReport
from pipeline.whole_files import whole_file
from two_tower.tower_files import write_words

REPORT_MOODS = ("calm", "😂")
PINNED_LIBRARIES = ("nncf", "numpy", "openvino", "safetensors", "tokenizers", "torch", "transformers")


def export(
    dataset: Dataset,
    towers: TrainedTowers,
    evaluation: Evaluation | None,
    *,
    encoder_directory: Path,
    blend: Blend | None = None,
    bundles: Path,
    sidecar: Mapping[str, Json],
    live: LiveEvaluation | None = None,
    validation: ValidationReport | None = None,
    publish_it: bool = True,
    keep: int = DEFAULT_KEEP,
    on_wait: Callable[[], None] | None = None,
) -> Published:
    """Write a bundle under ``bundles`` and make ``current`` point at it; if that fails, the old one stays current.

    Without a ``blend`` the weights of the order by user are those that the evaluation chose, or else the default.
    Without an ``evaluation`` the manifest and the report hold no metrics. ``live`` and ``validation`` are for the
    report, which also shows ``created_at`` of the sidecar. ``publish_it``, ``keep`` and ``on_wait`` are those of
    write_and_publish. DatasetError if the towers or the evaluation are of other data, or if the posts were
    embedded with another encoder.
    """
    _refuse_other_encoder(dataset, encoder_directory)
    _refuse_other_data(dataset, towers, evaluation)
    encoder = TorchEncoder(encoder_directory)
    if dataset.mood_space is None:
        raise DatasetError("the text embeddings hold no mood space: run `moodfeed embed` again")
    reader = MoodReader(encoder, dataset.mood_space)
    posts = encode_posts(towers, dataset)
    index, users = index_posts(dataset, posts), known_users(dataset)

    def encode(user_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return encode_users(towers, dataset, posts, np.searchsorted(dataset.user_ids, user_ids))

    user_weight = balance(index, encode(dataset.user_ids[typical_users(dataset)]), vectors_of(reader, TYPICAL_MOODS))
    blend = blend or _blend(dataset, evaluation, index, encode(dataset.user_ids[typical_users(dataset)]))
    ranker = ServingRanker(index, user_weight)
    canaries, canary_embeddings = make_canaries(ranker, users, encode_users=encode, reader=reader)
    created_at = sidecar.get("created_at")
    report = Report(
        evaluation=evaluation,
        counts=counts(dataset, index, users),
        epochs=towers.epochs,
        moods=measure_moods(dataset, reader),
        live=live,
        validation=validation,
        created_at=created_at if isinstance(created_at, str) else "",
        examples=choose_examples(
            dataset,
            index=index,
            users=users,
            encode=encode,
            rank=ranker.feed,
            moods=dict(zip(REPORT_MOODS, vectors_of(reader, REPORT_MOODS), strict=True)),
        ),
    )

    def write_files(directory: Path) -> None:
        index.write(directory)
        post_trends(dataset, index).write(directory)
        post_steps(dataset, index).write(directory)
        write_stand_in_titles(directory, stand_in_titles(dataset.posts[dataset.posts["is_servable"]]))
        users.write(directory)
        canary_embeddings.write(directory)
        HistoryPosts(post_ids=dataset.post_ids, representations=posts.representations).write(directory)
        save_file(towers.user_tower.state_dict(), directory / file_names.USER_TOWER)
        save_file(post_tower_tensors(towers, dataset, posts), directory / file_names.POST_TOWER)
        write_words(towers.vocabulary.words, directory)
        _write_mood_encoder(encoder_directory, directory / file_names.MOOD_ENCODER, full=encoder)
        write_mood_space(reader.space, directory)
        if evaluation:
            (directory / file_names.EVALUATION).write_text(evaluation.as_json(), encoding="utf-8")

    manifest = Manifest(
        tower_dimension=towers.config.tower_dimension,
        text_dimension=towers.config.text_dimension,
        max_tokens=encoder.max_tokens,
        user_weight=user_weight,
        tower=towers.config.as_facts(),
        counts=report.counts,
        offline_metrics=_offline_metrics(evaluation) if evaluation else {},
        library_versions=_library_versions(),
        canaries=canaries,
        blend=blend,
        log_position=dataset.log_position,
    )
    return write_and_publish(
        bundles,
        manifest,
        write_files=write_files,
        sidecar=sidecar,
        write_beside=report.write,
        publish_it=publish_it,
        keep=keep,
        on_wait=on_wait,
    )


def _blend(dataset: Dataset, evaluation: Evaluation | None, index: IndexPosts, users: NDArray[np.float32]) -> Blend:
    weights = evaluation.blend if evaluation and dataset.has_clock else default_weights(dataset)
    return weights.blend(spread_of(index.tower_embeddings, users))


def write_csv(bundle_index: IndexPosts, path: Path) -> int:
    """Write the servable posts' tower embeddings as a table for pandas; returns the number of rows."""
    table = pd.DataFrame(
        bundle_index.tower_embeddings,
        columns=[f"tower_{column}" for column in range(bundle_index.tower_embeddings.shape[1])],
    )
    table.insert(0, "category_id", bundle_index.category_ids)
    table.insert(0, "post_id", bundle_index.post_ids)
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False)
    return len(table)


def vectors_of(reader: MoodReader, moods: Sequence[str]) -> NDArray[np.float32]:
    """Moods that say something in the text space: float32 [moods, dimension]. One by one: a batch changes last bits."""
    meant = [reader.read([mood])[0].vector for mood in moods]
    return np.stack([vector for vector in meant if vector is not None])


def _refuse_other_data(dataset: Dataset, towers: TrainedTowers, evaluation: Evaluation | None) -> None:
    fingerprint = dataset.fingerprint()
    if towers.data_fingerprint != fingerprint:
        raise DatasetError("the data has changed since `moodfeed train` ran: run it again")
    if evaluation and evaluation.data_fingerprint != fingerprint:
        raise DatasetError(
            "the data has changed since `moodfeed evaluate` ran: run it again, or export with --without-evaluation"
        )


def _refuse_other_encoder(dataset: Dataset, encoder_directory: Path) -> None:
    if not dataset.encoder_fingerprint:
        raise DatasetError("the text embeddings do not say which encoder made them: run `moodfeed embed` again")
    if dataset.encoder_fingerprint != encoder_fingerprint(encoder_directory):
        raise DatasetError(
            f"the posts were embedded with another encoder than {encoder_directory}: pass that one with --encoder, or "
            "run `moodfeed embed` and `moodfeed train` again with this one"
        )


def _write_mood_encoder(source: Path, directory: Path, *, full: TorchEncoder) -> None:
    directory.mkdir()
    for file in encoder_files(source):
        shutil.copyfile(file, directory / file.name)
    write_served_encoder(directory, full=full)


def _offline_metrics(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    return {
        name: {
            "recall_at_10": metrics.recall_at_10.mean,
            "ndcg_at_10": metrics.ndcg_at_10.mean,
            "hit_rate_at_10": metrics.hit_rate_at_10.mean,
            "coverage_at_10": metrics.coverage_at_10,
        }
        for name, metrics in evaluation.methods.items()
    }


def _library_versions() -> dict[str, str]:
    versions = {name: version(name).split("+")[0] for name in PINNED_LIBRARIES}
    return versions | {"python": ".".join(platform.python_version_tuple()[:2])}
