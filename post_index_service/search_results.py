"""What a search answers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bundle.index_posts import Category
from bundle.served_posts import PostTable, ServedPost
from post_index_service.explanations import Explanation
from post_index_service.layer import LayeredPosts
from post_index_service.rankings import Ranking
from post_index_service.reasons import Reason


@dataclass(frozen=True, slots=True)
class RankedPost:
    """A post with its score and its ranking score, by which the posts are sorted, and why it is there."""

    post: ServedPost
    score: float
    ranking_score: float
    reason: Reason


class SearchResult(NamedTuple):
    """One page of a ranking: ``rows`` of ``served``, best first, with their ``scores`` and ``reasons``.

    The order follows ``ranking_scores``, which never rise within a ranking. ``has_more`` says whether the ranking
    continues after this page. By trend, or by a blend, the log is counted up to ``counted_position``. Posts and rules
    count up to ``posts_position``, None without a log, and rules at the moment ``rules_moment_ms``. What the engine
    could not make sure of is as in scans.Certainty.
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]
    ranking_scores: tuple[float, ...]
    reasons: tuple[Reason, ...]
    has_more: bool
    ranking: Ranking
    served: PostTable | LayeredPosts
    rules_moment_ms: int
    counted_position: int = 0
    posts_position: int | None = None
    explanations: tuple[Explanation, ...] = ()  # of each post, if they are asked for
    is_approximate: bool = False
    unavailable_engine: str = ""

    @property
    def posts(self) -> tuple[RankedPost, ...]:
        """The posts of the page with their scores, best first."""
        posts = self.served.at(np.array(self.rows, dtype=np.int64))
        return tuple(map(RankedPost, posts, self.scores, self.ranking_scores, self.reasons))


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """A category with the number of its servable posts, at least 1."""

    category: Category
    post_count: int
