"""What of a dataset and its towers goes into a bundle: index posts, known users, tower tensors and counts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.known_users import KnownUsers
from bundle.post_steps import MOST_FOLLOWERS, PostSteps
from bundle.post_trends import LARGEST_SUM, MOST_PAIRS, TREND_DAYS, PostTrends, pair_key
from bundle.served_posts import TEXT_FIELDS, PostTable
from pipeline.dataset import Dataset
from pipeline.encode import EncodedPosts
from pipeline.live_evaluation.steps import Steps
from pipeline.popularity import lasting_popularity
from pipeline.trained_towers import TrainedTowers

_RECENT_DAYS = 28
_MILLISECONDS_A_DAY = 86_400_000


def index_posts(dataset: Dataset, posts: EncodedPosts) -> IndexPosts:
    """All servable posts, ascending by category and id."""
    frame = dataset.posts
    category_ids = frame["category_id"].fillna(0).to_numpy(dtype=np.int32)
    servable = np.flatnonzero(frame["is_servable"].to_numpy(dtype=bool))
    order = servable[np.lexsort((dataset.post_ids[servable], category_ids[servable]))]
    rows = frame.iloc[order]
    by_age = frame.dropna(subset=["category_id"]).sort_values(["created_at", "post_id"], na_position="first")
    names = by_age.groupby("category_id")["category_name"].last()  # a category may have been renamed
    return IndexPosts(
        post_ids=dataset.post_ids[order],
        category_ids=category_ids[order],
        tower_embeddings=posts.embeddings[order],
        text_embeddings=dataset.mood_text[order].astype(np.float16),
        popularity=popularity(dataset)[order],
        created_ms=_moments(rows),
        posts=PostTable.from_columns(
            dataset.post_ids[order], category_ids[order], {name: _texts(rows, name) for name in TEXT_FIELDS}
        ),
        categories=tuple(
            Category(category_id=int(category_id), name=str(names[category_id]))
            for category_id in np.unique(category_ids[order])
            if category_id > 0
        ),
    )


def _texts(posts: pd.DataFrame, name: str) -> "pd.Series[str]":
    """A column of texts, empty where it is null; external_id and language are missing from tables without any."""
    return posts[name].fillna("").astype(str) if name in posts else pd.Series("", index=posts.index)


def _moments(posts: pd.DataFrame) -> NDArray[np.int64]:
    """When the posts were made, in milliseconds since 1970."""
    moments = posts["created_at"].dt.tz_convert(None).to_numpy(dtype="datetime64[ms]")
    return np.where(np.isnat(moments), UNKNOWN_MOMENT, moments.astype(np.int64))


def popularity(dataset: Dataset) -> NDArray[np.float32]:
    """The events of the last 28 days, ties broken by all events; float32 [posts], the most popular post has 1."""
    count = len(dataset.post_ids)
    recent = np.bincount(dataset.event_posts[dataset.is_recent(_RECENT_DAYS)], minlength=count)
    always = np.bincount(dataset.event_posts, minlength=count)
    score = recent + always / max(always.sum(), 1)
    return np.asarray(score / max(score.max(), 1e-9), dtype=np.float32)


def post_trends(dataset: Dataset, index: IndexPosts) -> PostTrends:
    """The trends of the index's posts at the newest interaction; the figures of `evaluate --live` count the same."""
    if not (dataset.is_timed and len(dataset.event_days)):
        return PostTrends.none(len(index.posts))
    newest_ms = round(float(dataset.event_days[-1]) * _MILLISECONDS_A_DAY)
    skips = dataset.events.is_skip
    met = dataset if skips is None else dataset.only(~skips)  # a skip does not count, as it does not live
    pairs = met.pairs
    weights = np.exp((pairs.days - newest_ms / _MILLISECONDS_A_DAY) / TREND_DAYS)
    counts = np.bincount(pairs.post_rows, weights=weights, minlength=len(dataset.post_ids))
    sums = np.minimum(counts.astype(np.float64), LARGEST_SUM)
    keys, moments = _newest_pairs(met, index)
    rows = np.searchsorted(dataset.post_ids, index.post_ids)
    return PostTrends(sums[rows], newest_ms, keys, moments, lasting_popularity(met)[rows].astype(np.float32))


def post_steps(dataset: Dataset, index: IndexPosts) -> PostSteps:
    """Steps between the index's posts in all sessions; none without timestamps."""
    if not dataset.is_timed:
        return PostSteps.none(len(index.posts))
    steps = Steps(dataset if dataset.events.is_skip is None else dataset.only(~dataset.events.is_skip))
    rows = np.full(len(dataset.post_ids), -1)
    rows[np.searchsorted(dataset.post_ids, index.post_ids)] = np.arange(len(index.posts))
    sources, followers = rows[steps.sources], rows[steps.followers]
    is_kept = (sources >= 0) & (followers >= 0)
    pairs, counts = np.unique(np.stack([sources[is_kept], followers[is_kept]], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
    pairs, counts = pairs[order], counts[order]
    firsts = np.searchsorted(pairs[:, 0], pairs[:, 0])
    is_kept = np.arange(len(pairs)) - firsts < MOST_FOLLOWERS
    pairs, counts = pairs[is_kept], counts[is_kept]
    return PostSteps(
        offsets=np.searchsorted(pairs[:, 0], np.arange(len(index.posts) + 1)).astype(np.int64),
        followers=pairs[:, 1].astype(np.int32),
        counts=counts.astype(np.float32),
        order_shares=steps.shares_by_distance(day=np.inf).astype(np.float32),
    )


def _newest_pairs(dataset: Dataset, index: IndexPosts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the pairs that met last, whose username leads to them and whose post is in the index: keys and moments."""
    pairs = dataset.pairs
    rows = np.full(len(dataset.post_ids), -1)
    rows[np.searchsorted(dataset.post_ids, index.post_ids)] = np.arange(len(index.posts))
    answers = dataset.users["answers"].to_numpy(dtype=bool)
    order = np.argsort(pairs.days, kind="stable")
    order = order[answers[pairs.user_rows[order]] & (rows[pairs.post_rows[order]] >= 0)][-MOST_PAIRS:]
    usernames = dataset.users["username"].iloc[pairs.user_rows[order]]
    keys = [
        pair_key(str(name), row) for name, row in zip(usernames, rows[pairs.post_rows[order]].tolist(), strict=True)
    ]
    moments = np.rint(pairs.days[order] * _MILLISECONDS_A_DAY).astype(np.int64)
    return np.array(keys, dtype=np.int64), moments


def known_users(dataset: Dataset) -> KnownUsers:
    """Every account that its username leads to, with its history."""
    pairs = dataset.pairs
    rows = np.flatnonzero(dataset.users["answers"].to_numpy(dtype=bool))
    lengths = pairs.offsets[rows + 1] - pairs.offsets[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    events = np.arange(offsets[-1]) + np.repeat(pairs.offsets[rows] - offsets[:-1], lengths)
    return KnownUsers(
        user_ids=dataset.user_ids[rows],
        usernames=tuple(dataset.users["username"].iloc[rows]),
        offsets=offsets.astype(np.int64),
        post_ids=dataset.post_ids[pairs.post_rows[events]],
        verbs=pairs.verbs[events],
        strengths=pairs.strengths[events],
        days=(pairs.days[events] - dataset.end_day).astype(np.float32),
    )


def post_tower_tensors(towers: TrainedTowers, dataset: Dataset, posts: EncodedPosts) -> dict[str, torch.Tensor]:
    """The post tower's weights, and the facts of training time that it needs to encode a new post."""
    return towers.post_tower.state_dict() | {
        "known.numeric": torch.from_numpy(posts.numeric),
        "known.category_rows": torch.from_numpy(dataset.category_rows),
        "known.category_ids": torch.from_numpy(dataset.category_ids),
        "known.is_new": torch.from_numpy(~dataset.is_met),
    }


def counts(dataset: Dataset, index: IndexPosts, users: KnownUsers) -> Mapping[str, int]:
    """The sizes that the manifest and the report state."""
    return {
        "posts": len(dataset.post_ids),
        "servable_posts": len(index.posts),
        "categories": len(index.categories),
        "users": len(users.usernames),
        "users_with_history": int((np.diff(users.offsets) > 0).sum()),
        "interactions": len(dataset.events),
    }


def largest_category(index: IndexPosts) -> int | None:
    """The id of the category with the most servable posts; None if no servable post has a category."""
    in_category = index.category_ids[index.category_ids > 0]
    if not len(in_category):
        return None
    numbers, sizes = np.unique(in_category, return_counts=True)  # ids may be as large as int32 is
    return int(numbers[np.argmax(sizes)])
