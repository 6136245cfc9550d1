"""What a person met last, as the user tower tells it to the post index."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """``post_ids`` are the newest posts that the person met, newest last; ``count`` is that of the whole history.

    ``newest_at_ms`` is the moment of the newest interaction, in milliseconds since 1970, 0 if it is not known.
    """

    post_ids: Sequence[int] = ()
    count: int = 0
    newest_at_ms: int = 0


NO_HISTORY = RecentHistory()
