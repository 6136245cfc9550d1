"""Recently shown posts, how often they were shown, and their categories, for metrics of coverage and novelty."""

from dataclasses import dataclass, field

MOST_POSTS = 50_000
"""Posts of one half of the window: some ten megabytes. A half that is full ends early."""
HALF_SECONDS = 12 * 3600.0
"""Half of the window: what was shown 12 to 24 hours ago is forgotten."""


@dataclass(slots=True)
class _Half:
    """Posts by id: how often they were shown, and their category."""

    shows: dict[int, float] = field(default_factory=dict)
    categories: dict[int, int] = field(default_factory=dict)


class ShownPosts:
    """Remembers in two halves, of which the older one is dropped as a whole; for one thread at a time."""

    def __init__(self, *, now: float, most_posts: int = MOST_POSTS) -> None:
        """``now`` is in seconds of any clock that never runs backwards."""
        self.different = 0
        """How many different posts the window holds."""
        self._most = most_posts
        self._newer, self._older = _Half(), _Half()
        self._ends_at = now + HALF_SECONDS

    def show(self, post_id: int, category_id: int, *, times: float, now: float) -> float:
        """Note that a post was shown so many ``times``; gives how often it had been shown before."""
        if now >= self._ends_at or len(self._newer.shows) >= self._most:
            self._older, self._newer = self._newer, _Half()
            self.different, self._ends_at = len(self._older.shows), now + HALF_SECONDS
        of_newer, of_older = self._newer.shows.get(post_id), self._older.shows.get(post_id)
        if of_newer is None and of_older is None:
            self.different += 1
        self._newer.shows[post_id] = (of_newer or 0.0) + times
        self._newer.categories[post_id] = category_id
        return (of_newer or 0.0) + (of_older or 0.0)

    def category_of(self, post_id: int) -> int | None:
        """The category of a post that was shown, 0 for none; None if it is not remembered."""
        known = self._newer.categories.get(post_id)
        return self._older.categories.get(post_id) if known is None else known
