"""Which rows of an index an interaction is about, which names its post by post id or by external id."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.external_ids import ExternalIds


@dataclass(frozen=True, slots=True)
class NamedRows:
    """``sorted_ids`` int64 [posts] ascend, and are those of the posts in ``rows_by_id`` int32 [posts]."""

    sorted_ids: NDArray[np.int64]
    rows_by_id: NDArray[np.int32]
    external_ids: ExternalIds

    def __call__(self, post_id: int | None, external_id: str | None) -> Sequence[int]:
        """The rows of the posts with a post id, or else with an external id; several posts may have the same one."""
        if post_id is None:
            named = [] if external_id is None else [external_id]
            return [int(row) for row in self.external_ids.rows_in(slice(0, len(self.sorted_ids)), named)]
        place = int(self.sorted_ids.searchsorted(post_id))
        is_there = place < len(self.sorted_ids) and self.sorted_ids[place] == post_id
        return [int(self.rows_by_id[place])] if is_there else []
