"""Ask a collection for the posts nearest to a query."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Vector
from post_collection.form import EMBEDDING, METRIC, IndexKind
from post_collection.server import CollectionError, Server


class Hits(NamedTuple):
    """``post_ids`` int64 and their inner products with the query, float32; best first."""

    post_ids: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Effort:
    """Search effort: lists of IVF or candidates of HNSW; a flat index is always read whole."""

    kind: IndexKind
    lists: int = 0
    """How many an IVF index has, and how many are read where all are."""
    read: int = 0
    """How many lists are read, or how many candidates are kept at least; 0 for as many as make the search exact."""

    @property
    def is_exact(self) -> bool:
        """Whether a search misses nothing."""
        return self.kind is IndexKind.FLAT or (self.kind is IndexKind.IVF_FLAT and self.read in {0, self.lists})

    def parameters(self, count: int) -> dict[str, int]:
        """Those of a search for so many posts."""
        match self.kind:
            case IndexKind.FLAT:
                return {}
            case IndexKind.IVF_FLAT:
                return {"nprobe": self.read or self.lists}
            case IndexKind.HNSW:
                return {"ef": max(self.read, count)}


@dataclass(frozen=True, slots=True)
class Collection:
    """A loaded collection that does not change while it is searched, so the weakest consistency is enough."""

    server: Server
    name: str
    effort: Effort

    def nearest(self, query: Vector, count: int, *, expression: str, seconds: float) -> Hits:
        """The best ``count`` posts for which an expression holds.

        MilvusUnavailableError if the server does not answer, CollectionError if the collection is gone.
        """
        found: Any = self.server.ask(
            "search",
            self.name,
            [query],
            filter=expression,
            limit=count,
            anns_field=EMBEDDING,
            search_params={"metric_type": METRIC, "params": self.effort.parameters(count)},
            consistency_level="Eventually",
            seconds=seconds,
        )
        if len(found) != 1:
            raise CollectionError(f"Milvus returned {len(found)} results for one query of the collection {self.name}")
        hits = found[0]
        return Hits(np.array(hits.ids, dtype=np.int64), np.array(hits.distances, dtype=np.float32))
