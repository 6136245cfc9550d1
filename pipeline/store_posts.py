"""The posts of the store in the table of posts: they replace those of the upstream, and deleted ones leave it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mood_encoder.post_texts import texts_of
from pipeline.forgotten import Forgotten
from pipeline.tables import POST_COUNTS, POSTS_FILE, column_types
from store.port import Store
from store.posts import Post, PostRevision


@dataclass(frozen=True, slots=True)
class CollectedPosts:
    """The table with the posts of the store, how many of them it holds, and the ids of those that left it."""

    table: pd.DataFrame
    kept: int
    deleted: tuple[int, ...]


def with_posts_of_store(posts: pd.DataFrame, store: Store, forgotten: Forgotten) -> CollectedPosts:
    """The newest revision of each post of the store, and the other posts as they are.

    A post of both keeps the upstream's counts. An owner whose name was deleted after the revision is left out, as is
    every forgotten post.
    """
    revisions = store.post_revisions()
    if not revisions:
        return CollectedPosts(posts, 0, ())
    departures = store.departures()
    living = [
        revision.post
        for revision in (_without_departed(each, store, departures) for each in revisions)
        if revision.post is not None and not _is_forgotten(revision.post, forgotten)
    ]
    is_replaced = posts["post_id"].isin([revision.post_id for revision in revisions])
    before = posts[is_replaced].set_index("post_id")
    rows = _table(living, before, _names_of_categories(posts, living))
    others = posts[~is_replaced]
    deleted = tuple(before.index.difference([post.post_id for post in living]).tolist())
    return CollectedPosts(pd.concat([others, rows], ignore_index=True) if len(rows) else others, len(rows), deleted)


def _without_departed(revision: PostRevision, store: Store, departures: Mapping[bytes, int]) -> PostRevision:
    owner = revision.post.owner_username if revision.post else ""
    if revision.post is None or not owner or departures.get(store.person_key(owner), 0) < revision.position:
        return revision
    return replace(revision, post=replace(revision.post, owner_username=""))


def _is_forgotten(post: Post, forgotten: Forgotten) -> bool:
    return forgotten.has_post(post.post_id) or bool(post.external_id and forgotten.has_external_post(post.external_id))


def _names_of_categories(posts: pd.DataFrame, living: Sequence[Post]) -> Mapping[int, str]:
    """The name of each category: the last that the store gives, else that of the table, else its number."""
    named = posts.dropna(subset=["category_id", "category_name"])
    names = {int(number): str(name) for number, name in zip(named["category_id"], named["category_name"], strict=True)}
    names |= {post.category_id: post.category_name for post in living if post.category_name}
    return {post.category_id: names.get(post.category_id, str(post.category_id)) for post in living}


def _moments(milliseconds: Sequence[int]) -> "pd.Series[pd.Timestamp]":
    """Moments in UTC; also those after the year 2262, which pandas cannot hold in nanoseconds."""
    return pd.Series(np.array(milliseconds, dtype="datetime64[ms]")).dt.tz_localize("UTC")


def _table(living: Sequence[Post], before: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    texts = [texts_of(title=each.title, description=each.description, emotions=each.emotions) for each in living]
    rows = pd.DataFrame(
        {
            "post_id": [post.post_id for post in living],
            "video_link": [post.video_link for post in living],
            "title": [post.title for post in living],
            "thumbnail_url": [post.thumbnail_url for post in living],
            "owner_username": [post.owner_username for post in living],
            "category_id": [post.category_id for post in living],
            "category_name": [names[post.category_id] for post in living],
            "created_at": _moments([post.created_at_ms for post in living]),
            **dict.fromkeys(POST_COUNTS, 0),
            "average_rating": np.nan,
            "is_servable": [post.is_servable and bool(post.video_link.strip()) for post in living],
            "description": [each.description for each in texts],
            "keywords": "",
            "mood_text": [each.mood for each in texts],
            "content_text": "",
            "summary_text": [each.summary for each in texts],
            "external_id": [post.external_id or None for post in living],
            "language": [post.language or None for post in living],
        }
    ).astype(dict(column_types(POSTS_FILE)))
    known = rows["post_id"].isin(before.index)
    for name in (*POST_COUNTS, "average_rating"):
        rows.loc[known, name] = before[name].reindex(rows.loc[known, "post_id"]).to_numpy()
    return rows
