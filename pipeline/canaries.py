"""Requests whose answers are known: ranked here by plain NumPy, as a second opinion on the index."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from bundle.manifest import Canary
from mood_encoder.mood_reader import MoodReader
from pipeline.bundle_contents import largest_category

MOODS = ("", "calm", "😂")
USERS = 3
POSTS = 10
NEAR_TIE = 1e-6

EncodeUsers = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""User ids to embeddings, float32 [users, tower dimension]."""


@dataclass(frozen=True, slots=True)
class ServingRanker:
    """Orders the posts of an index as serving does: by the user's score, or by closeness to the mood and that score."""

    index: IndexPosts
    user_weight: float

    def feed(
        self,
        user: NDArray[np.float32],
        mood: NDArray[np.float32] | None,
        category_id: int | None,
        *,
        met: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The first ten rows of the index without the posts ``met`` (post ids), and the user's score of each."""
        rows, scores, _ = self._best(user, mood, category_id, met=met)
        return rows[:POSTS], scores[:POSTS]

    def sure_feed(
        self, user: NDArray[np.float32], mood: NDArray[np.float32] | None, category_id: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The same over all posts, up to the first two that another processor may order differently."""
        rows, scores, both = self._best(user, mood, category_id, met=np.zeros(0, dtype=np.int64))
        gaps = -np.diff(both, append=-np.inf)
        sure = int(np.argmin(np.append(gaps[:POSTS] > NEAR_TIE, False)))
        return rows[:sure], scores[:sure]

    def _best(
        self,
        user: NDArray[np.float32],
        mood: NDArray[np.float32] | None,
        category_id: int | None,
        *,
        met: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """The first eleven rows, the user's scores, and the scores that order them."""
        index = self.index
        rows = np.flatnonzero(~np.isin(index.post_ids, met))
        if category_id is not None:
            rows = rows[index.category_ids[rows] == category_id]
        scores = index.tower_embeddings[rows] @ user
        both = scores
        if mood is not None:
            both = index.text_embeddings[rows].astype(np.float32) @ mood + self.user_weight * scores
        best = np.lexsort((index.post_ids[rows], -both))[: POSTS + 1]
        return rows[best], scores[best], both[best]


def make_canaries(
    ranker: ServingRanker, users: KnownUsers, *, encode_users: EncodeUsers, reader: MoodReader
) -> tuple[tuple[Canary, ...], CanaryEmbeddings]:
    """The three users with the longest histories, each without a mood and in two moods in the largest category.

    Without a category in the index, moods are ranked over all posts; without users there are no canaries.
    """
    busiest = np.argsort(-np.diff(users.offsets), kind="stable")[:USERS]
    embeddings = encode_users(users.user_ids[busiest])
    category_of_moods = largest_category(ranker.index)
    canaries, user_embeddings, mood_embeddings = [], [], []
    for user, embedding in zip(busiest, embeddings, strict=True):
        for mood in MOODS:
            meant = reader.read([mood])[0].vector if mood else None
            category_id = category_of_moods if mood else None
            rows, scores = ranker.sure_feed(embedding, meant, category_id)
            if not len(rows):
                continue
            canaries.append(
                Canary(
                    username=users.usernames[user],
                    mood=mood,
                    category_id=category_id,
                    post_ids=tuple(ranker.index.post_ids[rows].tolist()),
                    scores=tuple(float(score) for score in scores),
                )
            )
            user_embeddings.append(embedding)
            mood_embeddings.append(np.zeros(reader.space.dimension, "f4") if meant is None else meant)
    return tuple(canaries), CanaryEmbeddings(
        np.array(user_embeddings, dtype=np.float32).reshape(len(canaries), embeddings.shape[1]),
        np.array(mood_embeddings, dtype=np.float32).reshape(len(canaries), reader.space.dimension),
    )
