"""Find posts by their external ids, which are their ids at the source.

Each external id is kept as a hash of 8 bytes; the text stays in the bundle's file, and is compared when a hash matches.
"""

from collections.abc import Sequence

import numpy as np

from bundle.served_posts import PostTable
from post_index_service.codes import Rows


class ExternalIds:
    """The posts of an index by external id: 12 bytes for each post that has one."""

    def __init__(self, posts: PostTable) -> None:
        pairs = ((hash(external_id), row) for row, external_id in posts.external_ids())
        unordered = np.fromiter(pairs, dtype=[("hash", np.int64), ("row", np.int32)])
        order = np.argsort(unordered["hash"], kind="stable")
        self._posts = posts
        self._hashes = unordered["hash"][order]
        self._rows = unordered["row"][order]

    def rows_in(self, span: slice, external_ids: Sequence[str]) -> Rows:
        """The rows of the posts with these external ids that lie in the slice, ascending and relative to its start.

        Several posts may have the same one.
        """
        found = {row for external_id in set(external_ids) for row in self._rows_of(external_id.encode())}
        return np.array(sorted(row - span.start for row in found if span.start <= row < span.stop), dtype=np.int64)

    def _rows_of(self, external_id: bytes) -> list[int]:
        digest = hash(external_id)
        start, end = self._hashes.searchsorted(digest, "left"), self._hashes.searchsorted(digest, "right")
        return [row for row in self._rows[start:end].tolist() if self._posts.external_id(row) == external_id]
