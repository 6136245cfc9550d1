"""What a person was shown and has asked to have remembered, as it stood at a position of the log."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.log_entries import PostsServed
from store.served_claims import feed_of

MOST_SHOWN = 50_000
"""The most remembered posts of one person that are told: those that were shown last."""

MOST_ELSEWHERE = 10_000
"""The most of them that are told to have been shown by other feeds since a feed began: those that were shown last."""


@dataclass(frozen=True, slots=True)
class ShownPage:
    """The posts of one answer, the person's since position ``since``; ``moment`` is in milliseconds since 1970."""

    position: int
    since: int
    moment: int
    feed: str
    post_ids: "array[int]"

    @classmethod
    def of(cls, entry: PostsServed) -> "ShownPage":
        """The same, shorter."""
        return cls(entry.position, entry.since, entry.shown_at_ms, feed_of(entry.feed_id), array("q", entry.post_ids))


@dataclass(frozen=True, slots=True)
class ServedWish:
    """Which remembered posts a request wants.

    They were shown at ``since_ms`` or later; 0 for the last hours that are remembered. ``feed`` is the feed that asks,
    empty if it wants to know them as seen posts alone.
    """

    since_ms: int = 0
    feed: str = ""


@dataclass(frozen=True, slots=True)
class ServedPosts:
    """``post_ids`` were shown by the position that was asked for, longest ago first; the others later and elsewhere."""

    post_ids: tuple[int, ...]
    elsewhere_post_ids: tuple[int, ...]
    read_up_to: int


def shown_by(pages: Iterable[ShownPage], position: int, *, since_ms: int) -> tuple[int, ...]:
    """The distinct posts that were shown by a position, those that were last shown longest ago first."""
    counting = [page for page in pages if page.since <= position and page.moment >= since_ms]
    last: dict[int, None] = {}
    for page in sorted(counting, key=lambda page: (page.moment, page.position)):
        for post_id in page.post_ids:
            last.pop(post_id, None)
            last[post_id] = None
    return tuple(last)[-MOST_SHOWN:]


def shown_elsewhere(pages: Sequence[ShownPage], *, after: int, feed: str) -> tuple[int, ...]:
    """The posts that other feeds have shown after a position, ascending."""
    newest_first = dict.fromkeys(
        post_id
        for page in sorted(pages, key=lambda page: -page.position)
        if page.since > after and page.feed != feed
        for post_id in page.post_ids
    )
    return tuple(sorted(list(newest_first)[:MOST_ELSEWHERE]))
