"""Find the posts of accounts in a bundle: only rules ask, so the table is made when the first of them needs it."""

from collections.abc import Sequence

import numpy as np

from bundle.served_posts import TEXT_FIELDS, ServedPosts
from post_index_service.codes import Rows

_OWNER = TEXT_FIELDS.index("owner_username")


class OwnerRows:
    """The posts of an index by their account: 12 bytes a post. Names are kept as hashes, and compared when one fits."""

    def __init__(self, posts: ServedPosts) -> None:
        hashes = np.fromiter((hash(_owner(posts, row)) for row in range(len(posts))), dtype=np.int64, count=len(posts))
        self._posts = posts
        self._rows = np.argsort(hashes, kind="stable").astype(np.int32)
        self._hashes = hashes[self._rows]

    def rows(self, usernames: Sequence[str]) -> Rows:
        """The rows of the posts of these accounts, ascending."""
        found: list[int] = []
        for username in {name.encode() for name in usernames}:
            digest = hash(username)
            start, end = self._hashes.searchsorted(digest, "left"), self._hashes.searchsorted(digest, "right")
            found += (row for row in self._rows[start:end].tolist() if _owner(self._posts, row) == username)
        return np.array(sorted(found), dtype=np.int64)


def _owner(posts: ServedPosts, row: int) -> bytes:
    field = len(TEXT_FIELDS) * row + _OWNER
    return bytes(posts.text[posts.offsets[field] : posts.offsets[field + 1]])
