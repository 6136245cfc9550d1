"""The users of a bundle, embedded when it is read, and the posts that they have seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Matrix
from bundle.known_users import HistoryPosts, KnownUsers
from two_tower.features import window_histories
from user_tower_service.runtime import ServingTowers

MOST_SEEN = 100_000
"""The most seen posts of one user that are told: the newest. They are 1 MB at most, and the index reads 4 MiB."""
_USERS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class BundleUsers:
    """The known users: ``rows`` by username, ``embeddings`` float32 [users, tower dimension].

    The posts that user ``i`` has seen are the slice ``offsets[i]:offsets[i + 1]`` of ``seen``, ascending.
    """

    rows: Mapping[str, int]
    embeddings: Matrix
    offsets: NDArray[np.int64]
    seen: NDArray[np.int64]

    def longest(self, most: int) -> tuple[str, ...]:
        """The names of those who have seen most, at most ``most``, longest first."""
        names = tuple(self.rows)
        longest_first = np.argsort(-np.diff(self.offsets), kind="stable")
        return tuple(names[row] for row in longest_first[:most].tolist())


def encode_users(towers: ServingTowers, posts: HistoryPosts, users: KnownUsers) -> BundleUsers:
    """Embed all users of a bundle."""
    rows = np.searchsorted(posts.post_ids, users.post_ids)
    embeddings = np.zeros((len(users.usernames), towers.config.tower_dimension), dtype=np.float32)
    for start in range(0, len(embeddings), _USERS_AT_ONCE):
        ends = users.offsets[start + 1 : start + 1 + _USERS_AT_ONCE]
        histories = window_histories(
            users.offsets[start : start + len(ends)],
            ends,
            np.zeros(len(ends)),
            rows=rows,
            verbs=users.verbs,
            strengths=users.strengths,
            days=users.days,
            length=towers.config.history_length,
        )
        embeddings[start : start + len(ends)] = towers.embed_users(posts.representations, histories)
    embeddings.setflags(write=False)  # all responses share its rows
    offsets, seen = _seen(users)
    return BundleUsers({username: row for row, username in enumerate(users.usernames)}, embeddings, offsets, seen)


def _seen(users: KnownUsers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct posts of each user, ascending: offsets int64 [users + 1] into post ids int64.

    Of a user with more than MOST_SEEN, the newest count.
    """
    lengths = np.diff(users.offsets)
    owners = np.repeat(np.arange(len(users.usernames)), lengths)
    is_told = np.ones(len(users.post_ids), dtype=np.bool_)
    for user in np.flatnonzero(lengths > MOST_SEEN):
        span = slice(users.offsets[user], users.offsets[user + 1])
        newest_first = users.post_ids[span][::-1]
        last_times = np.sort(np.unique(newest_first, return_index=True)[1])[:MOST_SEEN]
        is_told[span] = False
        is_told[span.stop - 1 - last_times] = True
    owners, told = owners[is_told], users.post_ids[is_told]
    order = np.lexsort((told, owners))
    owners, post_ids = owners[order], told[order]
    is_first = np.ones(len(post_ids), dtype=np.bool_)
    is_first[1:] = (owners[1:] != owners[:-1]) | (post_ids[1:] != post_ids[:-1])
    counts = np.bincount(owners[is_first], minlength=len(users.usernames))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), post_ids[is_first]
