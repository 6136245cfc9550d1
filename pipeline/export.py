"""Write the bundle: everything that serving needs of a training run, and nothing else."""

import platform
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from bundle import file_names
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.embedding_space import HalfMatrix, Matrix, in_float32
from bundle.index_posts import Category, IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import Canary, Json, Manifest
from bundle.served_posts import TEXT_FIELDS, ServedPosts
from mood_encoder.encoder_files import MAX_TOKENS, encoder_files
from mood_encoder.mood_text import mood_to_words
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import write_served_encoder
from pipeline.dataset import Dataset, DatasetError
from pipeline.encode import EncodedPosts, encode_posts, encode_users
from pipeline.evaluate import Evaluation
from pipeline.publish import DEFAULT_KEEP, Published, write_and_publish
from pipeline.report import Report
from pipeline.report_examples import choose_examples
from pipeline.trained_towers import TrainedTowers
from two_tower.tower_files import write_words

USER_SHARE = 0.5  # spread of the user's part beside the mood's where both rank; scripts/measure_mood.py compares shares
TYPICAL_MOODS = ("happy", "sad", "calm", "exciting", "funny", "scary", "romantic", "angry")
_TYPICAL_USERS = 256
_BLOCK_ROWS = 8192
CANARY_MOODS = ("", "calm", "😂")
CANARY_USERS = 3
CANARY_POSTS = 10
REPORT_MOODS = ("calm", "😂")
NEAR_TIE = 1e-6
PINNED_LIBRARIES = ("nncf", "numpy", "openvino", "safetensors", "tokenizers", "torch", "transformers")


def export(
    dataset: Dataset,
    towers: TrainedTowers,
    evaluation: Evaluation,
    *,
    encoder_directory: Path,
    bundles: Path,
    sidecar: Mapping[str, Json],
    publish_it: bool = True,
    keep: int = DEFAULT_KEEP,
    on_wait: Callable[[], None] | None = None,
) -> Published:
    """Write a bundle under ``bundles`` and make ``current`` point at it; the old one stays whole whatever happens.

    ``publish_it``, ``keep`` and ``on_wait`` as in write_and_publish.
    """
    for fingerprint, stage in ((towers.data_fingerprint, "train"), (evaluation.data_fingerprint, "evaluate")):
        if fingerprint != dataset.fingerprint():
            raise DatasetError(f"the data has changed since `moodfeed {stage}` ran: run it again")
    posts = encode_posts(towers, dataset)
    index = _index_posts(dataset, posts)
    users = _known_users(dataset)
    encoder = TorchEncoder(encoder_directory)
    user_weight = balance(index, encode_users(towers, dataset, posts, _typical_users(dataset)), encoder)
    canaries, canary_embeddings = _canaries(
        dataset, towers, posts, index=index, users=users, encoder=encoder, user_weight=user_weight
    )
    counts = {
        "posts": len(dataset.post_ids),
        "servable_posts": len(index.posts),
        "categories": len(index.categories),
        "users": len(users.usernames),
        "users_with_history": int((np.diff(users.offsets) > 0).sum()),
        "interactions": len(dataset.interactions),
    }
    examples = choose_examples(
        dataset,
        index=index,
        users=users,
        encode=partial(encode_users, towers, dataset, posts),
        rank=partial(_feed, index, user_weight),
        moods={mood: encoder.encode([mood_to_words(mood)])[0] for mood in REPORT_MOODS},
    )

    def write_files(directory: Path) -> None:
        index.write(directory)
        users.write(directory)
        canary_embeddings.write(directory)
        HistoryPosts(post_ids=dataset.post_ids, representations=posts.representations).write(directory)
        save_file(towers.user_tower.state_dict(), directory / file_names.USER_TOWER)
        save_file(_post_tower_tensors(towers, dataset, posts), directory / file_names.POST_TOWER)
        write_words(towers.vocabulary.words, directory)
        mood_encoder = directory / file_names.MOOD_ENCODER
        mood_encoder.mkdir()
        for file in encoder_files(encoder_directory):
            shutil.copyfile(file, mood_encoder / file.name)
        write_served_encoder(mood_encoder, full=encoder)
        (directory / file_names.EVALUATION).write_text(evaluation.as_json())
        Report(evaluation, counts=counts, epochs=towers.epochs, examples=examples).write(directory)

    manifest = Manifest(
        tower_dimension=towers.config.tower_dimension,
        text_dimension=towers.config.text_dimension,
        max_tokens=MAX_TOKENS,
        user_weight=user_weight,
        tower=towers.config.as_facts(),
        counts=counts,
        offline_metrics={
            name: {
                "recall_at_10": metrics.recall_at_10.mean,
                "ndcg_at_10": metrics.ndcg_at_10.mean,
                "hit_rate_at_10": metrics.hit_rate_at_10.mean,
                "coverage_at_10": metrics.coverage_at_10,
            }
            for name, metrics in evaluation.methods.items()
        },
        library_versions={name: version(name).split("+")[0] for name in PINNED_LIBRARIES}
        | {"python": ".".join(platform.python_version_tuple()[:2])},
        canaries=canaries,
    )
    return write_and_publish(
        bundles,
        manifest,
        write_files=write_files,
        sidecar=sidecar,
        publish_it=publish_it,
        keep=keep,
        on_wait=on_wait,
    )


def balance(
    index: IndexPosts, users: NDArray[np.float32], encoder: TorchEncoder, *, user_share: float = USER_SHARE
) -> float:
    """The ``user_weight`` at which user scores spread ``user_share`` times as far as closeness to a mood does.

    ``users`` float32 [users, tower dimension]. Measured anew for each bundle, because every training leaves its own
    spread; rounded to three digits, so that the bundle does not depend on the processor's last bits.
    """
    closeness = _spread(index.text_embeddings, encoder.encode(TYPICAL_MOODS, batch_size=1))
    spread_of_users = _spread(index.tower_embeddings, users) if users.size else 0.0
    if len(index.posts) < 2 or spread_of_users < 1e-6:
        return user_share
    return float(f"{user_share * closeness / spread_of_users:.3g}")


def _spread(posts: Matrix | HalfMatrix, queries: Matrix) -> float:
    """The standard deviation of the posts' inner products with a query, averaged over queries; in blocks of posts."""
    sums, squares = np.zeros(len(queries)), np.zeros(len(queries))
    for start in range(0, len(posts), _BLOCK_ROWS):
        scores = (in_float32(posts[start : start + _BLOCK_ROWS]) @ queries.T).astype(np.float64)
        sums += scores.sum(axis=0)
        squares += (scores * scores).sum(axis=0)
    variances = squares / max(len(posts), 1) - (sums / max(len(posts), 1)) ** 2
    return float(np.sqrt(np.maximum(variances, 0)).mean())


def write_csv(bundle_index: IndexPosts, path: Path) -> int:
    """Write the servable posts' tower embeddings as a table for pandas; returns the number of rows."""
    table = pd.DataFrame(
        bundle_index.tower_embeddings,
        columns=[f"tower_{column}" for column in range(bundle_index.tower_embeddings.shape[1])],
    )
    table.insert(0, "category_id", bundle_index.category_ids)
    table.insert(0, "post_id", bundle_index.post_ids)
    temporary = path.with_name(f".{path.name}.incomplete")
    table.to_csv(temporary, index=False)
    temporary.replace(path)
    return len(table)


def _index_posts(dataset: Dataset, posts: EncodedPosts) -> IndexPosts:
    frame = dataset.posts
    category_ids = frame["category_id"].fillna(0).to_numpy(dtype=np.int32)
    popularity = _popularity(dataset)
    servable = np.flatnonzero(frame["is_servable"].to_numpy(dtype=bool))
    order = servable[np.lexsort((dataset.post_ids[servable], category_ids[servable]))]
    rows = frame.iloc[order]
    names = frame.dropna(subset=["category_id"]).groupby("category_id")["category_name"].first()
    return IndexPosts(
        post_ids=dataset.post_ids[order],
        category_ids=category_ids[order],
        tower_embeddings=posts.embeddings[order],
        text_embeddings=dataset.mood_text[order].astype(np.float16),
        popularity=popularity[order],
        posts=ServedPosts.from_columns(
            dataset.post_ids[order], category_ids[order], {name: rows[name].astype(str) for name in TEXT_FIELDS}
        ),
        categories=tuple(
            Category(category_id=int(category_id), name=str(names[category_id]))
            for category_id in np.unique(category_ids[order])
            if category_id > 0
        ),
    )


def _popularity(dataset: Dataset) -> NDArray[np.float32]:
    """Share of the last 28 days' events, then of all events, scaled so that the most popular post has 1."""
    count = len(dataset.post_ids)
    recent = np.bincount(dataset.event_posts[dataset.event_days >= dataset.end_day - 28], minlength=count)
    always = np.bincount(dataset.event_posts, minlength=count)
    score = recent + always / max(always.sum(), 1)
    return np.asarray(score / max(score.max(), 1e-9), dtype=np.float32)


def _known_users(dataset: Dataset) -> KnownUsers:
    """Of accounts that share a username only the one that answers for it."""
    pairs = dataset.pairs
    rows = np.flatnonzero(dataset.users["answers"].to_numpy(dtype=bool))
    lengths = pairs.offsets[rows + 1] - pairs.offsets[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    events = np.concatenate(
        [np.arange(pairs.offsets[row], pairs.offsets[row + 1]) for row in rows] or [np.zeros(0, dtype=np.int64)]
    )
    return KnownUsers(
        user_ids=dataset.user_ids[rows],
        usernames=tuple(dataset.users["username"].iloc[rows]),
        offsets=offsets.astype(np.int64),
        post_ids=dataset.post_ids[pairs.post_rows[events]],
        verbs=pairs.verbs[events],
        strengths=pairs.strengths[events],
        days=(pairs.days[events] - dataset.end_day).astype(np.float32),
    )


def _typical_users(dataset: Dataset) -> NDArray[np.int64]:
    """Rows of users with a history, evenly over all of them."""
    rows = np.flatnonzero(np.diff(dataset.pairs.offsets) > 0)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _TYPICAL_USERS)).astype(np.int64)]


def _post_tower_tensors(towers: TrainedTowers, dataset: Dataset, posts: EncodedPosts) -> dict[str, torch.Tensor]:
    """Weights, and what the tower must know of the posts and categories of its time to encode a new one."""
    return towers.post_tower.state_dict() | {
        "known.numeric": torch.from_numpy(posts.numeric),
        "known.category_rows": torch.from_numpy(dataset.category_rows),
        "known.category_ids": torch.from_numpy(dataset.category_ids),
        "known.is_new": torch.from_numpy(~dataset.is_met),
    }


def _canaries(
    dataset: Dataset,
    towers: TrainedTowers,
    posts: EncodedPosts,
    *,
    index: IndexPosts,
    users: KnownUsers,
    encoder: TorchEncoder,
    user_weight: float,
) -> tuple[tuple[Canary, ...], CanaryEmbeddings]:
    """The busiest users, each with each canary mood, ranked here by plain NumPy: a second opinion on the index."""
    lengths = np.diff(users.offsets)
    busiest = np.argsort(-lengths, kind="stable")[:CANARY_USERS]
    user_rows = np.searchsorted(dataset.user_ids, users.user_ids[busiest])
    embeddings = encode_users(towers, dataset, posts, user_rows)
    largest_category = int(np.argmax(np.bincount(index.category_ids[index.category_ids > 0])))
    canaries, user_embeddings, mood_embeddings = [], [], []
    for user, embedding in zip(busiest, embeddings, strict=True):
        for mood in CANARY_MOODS:
            mood_embedding = encoder.encode([mood_to_words(mood)])[0] if mood else np.zeros(encoder.dimension, "f4")
            category_id = largest_category if mood else None
            order, scores = _sure_rank(
                index, embedding, mood_embedding if mood else None, category_id, user_weight=user_weight
            )
            if not len(order):
                continue
            canaries.append(
                Canary(
                    username=users.usernames[user],
                    mood=mood,
                    category_id=category_id,
                    post_ids=tuple(index.post_ids[order].tolist()),
                    scores=tuple(float(score) for score in scores),
                )
            )
            user_embeddings.append(embedding)
            mood_embeddings.append(mood_embedding)
    return tuple(canaries), CanaryEmbeddings(np.stack(user_embeddings), np.stack(mood_embeddings))


def _rank(
    index: IndexPosts,
    user: NDArray[np.float32],
    mood: NDArray[np.float32] | None,
    category_id: int | None,
    *,
    user_weight: float,
    met: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The first posts with the user's scores and with what orders them, one more than a canary holds."""
    rows = np.flatnonzero(~np.isin(index.post_ids, met))
    if category_id is not None:
        rows = rows[index.category_ids[rows] == category_id]
    scores = index.tower_embeddings[rows] @ user
    both = scores if mood is None else index.text_embeddings[rows].astype(np.float32) @ mood + user_weight * scores
    best = np.lexsort((index.post_ids[rows], -both))[: CANARY_POSTS + 1]
    return rows[best], scores[best], both[best]


def _feed(
    index: IndexPosts,
    user_weight: float,
    user: NDArray[np.float32],
    mood: NDArray[np.float32] | None,
    category_id: int | None,
    *,
    met: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The first ten posts with the user's scores."""
    rows, scores, _ = _rank(index, user, mood, category_id, user_weight=user_weight, met=met)
    return rows[:CANARY_POSTS], scores[:CANARY_POSTS]


def _sure_rank(
    index: IndexPosts,
    user: NDArray[np.float32],
    mood: NDArray[np.float32] | None,
    category_id: int | None,
    *,
    user_weight: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The first posts with their scores, up to two so close that another processor may order them otherwise."""
    nothing = np.zeros(0, dtype=np.int64)
    rows, scores, both = _rank(index, user, mood, category_id, user_weight=user_weight, met=nothing)
    gaps = -np.diff(both, append=-np.inf)
    sure = int(np.argmin(np.append(gaps[:CANARY_POSTS] > NEAR_TIE, False)))
    return rows[:sure], scores[:sure]
