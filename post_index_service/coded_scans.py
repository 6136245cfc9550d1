"""Our own engine: codes of the vectors in the memory of this process, which FAISS scans."""

from dataclasses import replace

import numpy as np

from bundle.embedding_space import Vector
from bundle.index_posts import IndexPosts
from post_index_service.codes import Codes
from post_index_service.filtered_scans import scan_of
from post_index_service.filters import Allowed
from post_index_service.ranking import ByInnerProducts, InnerProduct, Scan
from post_index_service.scans import Certainty
from post_index_service.shortlist import Shortlist

_ROUNDING = 2.0**-20  # of the sum of two vectors, and of two products: far more than either can be


class CodedScans:
    """The codes of one bundle: both the engine and the scans of each search, which need nothing of their own."""

    def __init__(self, posts: IndexPosts, *, most_exact: int, held: slice) -> None:
        """A search by user over all of more than ``most_exact`` posts uses a shortlist.

        The codes are those of the ``held`` rows: no others are asked for.
        """
        self._count, self._most_exact = held.stop - held.start, most_exact
        self._tower_dimension = posts.tower_embeddings.shape[1]
        # Side by side: closeness + user_weight * user score is then one inner product, and one pass scans for it.
        self._text_and_tower_codes = Codes.of(
            posts.text_embeddings[held], posts.tower_embeddings[held], first_row=held.start
        )
        self._tower_codes = self._text_and_tower_codes.last()
        self.whole_shortlist = Shortlist(self._tower_codes) if self._count > most_exact else None

    @property
    def depth(self) -> None:
        """There is no limit."""
        return

    def scans(self, certainty: Certainty, *, seconds: float) -> "CodedScans":  # noqa: ARG002 - nothing is uncertain
        """These."""
        return self

    def by_user(self, span: slice, by_user: InnerProduct, allowed: Allowed | None) -> Scan:
        """One pass over the tower's codes."""
        return scan_of(self._tower_codes, span, self._tower_codes.query(by_user.query), allowed)

    def by_mood(
        self, span: slice, by_mood: InnerProduct, by_user: InnerProduct | None, allowed: Allowed | None
    ) -> Scan:
        """By mood, and by user in the same pass; without a user, the tower's codes are multiplied by zeros."""
        user = np.float32(by_user.weight) * by_user.query if by_user else np.zeros(self._tower_dimension, "f4")
        codes = self._text_and_tower_codes
        return scan_of(codes, span, codes.query(by_mood.query, user), allowed)

    def by_likeness(self, span: slice, query: Vector, allowed: Allowed | None) -> Scan:
        """One pass over the tower's codes."""
        coded = self._tower_codes.query(query)
        return scan_of(self._tower_codes, span, replace(coded, error=coded.error + _ROUNDING), allowed)

    def shortlist(self, span: slice, allowed: Allowed | None) -> Shortlist | None:
        """That of all posts, if so many are searched that a scan takes long."""
        is_exact = allowed is not None and (allowed.names_categories or allowed.count <= self._most_exact)
        return None if is_exact or span.stop - span.start < self._count else self.whole_shortlist

    def ordered(self, exact: ByInnerProducts) -> ByInnerProducts:
        """As it is: a scan misses nothing."""
        return exact
