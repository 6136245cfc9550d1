"""What a search is asked for."""

from collections.abc import Sequence
from typing import NamedTuple

from bundle.embedding_space import Embedding
from compute.recent_history import NO_HISTORY, RecentHistory
from post_index_service.exploration import Exploration
from post_index_service.filters import NO_FILTERS, Filters


class Query(NamedTuple):
    """What to search for and which posts to leave out; post_index.proto documents each field.

    A position of the log is waited for up to ``seconds``. Unless it ``may_blend``, a search by user is by the inner
    product alone.
    """

    user: Embedding | None = None
    mood: Embedding | None = None
    category_id: int | None = None
    exclude_post_ids: Sequence[int] = ()
    exclude_external_ids: Sequence[str] = ()
    seen_post_ids: Sequence[int] = ()
    not_interested_post_ids: Sequence[int] = ()
    withheld_post_ids: Sequence[int] = ()
    offset: int = 0
    limit: int = 10
    trending: bool = False
    counted_position: int | None = None
    at_least_position: int = 0
    posts_position: int | None = None
    rules_moment_ms: int | None = None
    similar_to_post_id: int | None = None
    similar_to_external_id: str = ""
    seconds: float = 0.0
    filters: Filters = NO_FILTERS
    diversity: float = 0.0
    most_per_owner: int = 0
    explain: bool = False
    exploration: Exploration | None = None
    recent_history: RecentHistory = NO_HISTORY
    may_blend: bool = True
