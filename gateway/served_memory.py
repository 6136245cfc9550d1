"""What answers showed, remembered before they leave: the port, and how an answer is made of what is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.feed_types import EmbeddingT, FeedContext, Seen
from gateway.feedback_types import NoStoreError

FEED_DIGITS = 16
"""How many digits the ids of all answers of one feed have in common."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whether the posts may be shown: ``is_taken`` if another answer has shown one of them meanwhile.

    Then nothing was remembered, and the answer is to be made anew, with the log up to ``position``.
    """

    position: int
    is_taken: bool


class ServedMemory(Protocol):
    """Remembers what people are shown."""

    async def remember_served(
        self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int, seconds: float
    ) -> Remembered:
        """Remember durably, unless another feed has shown one of the posts since position ``read_up_to``.

        Each post is a serialised FeedPost.
        Raises NoStoreError, StoreUnavailableError, DependencyOverloadedError, DependencyUnavailableError.
        """


class NoServedMemory:
    """Remembers nothing, and says so."""

    async def remember_served(self, *_: object, **__: object) -> Remembered:
        """Refuse."""
        raise NoStoreError("nothing can be remembered: there is no store")


def without_seen_and_shown(
    context: FeedContext[EmbeddingT], *, seen: Seen, shown_post_ids: Sequence[int] = (), keeps_seen: bool = False
) -> FeedContext[EmbeddingT]:
    """The context whose search leaves out the seen posts, if they are excluded, and ``shown_post_ids``.

    With ``keeps_seen`` it also holds the seen posts that it leaves out, for what explains posts by them.

    Of a context that tells remembered posts apart, those that other feeds have shown meanwhile are withheld.
    """
    if seen is Seen.LAST and context.served is None:
        return context
    excluded = context.seen_post_ids if seen is Seen.EXCLUDED else ()
    return replace(
        context,
        seen_post_ids=() if seen is Seen.EXCLUDED and not keeps_seen else context.seen_post_ids,
        not_interested_post_ids=[*context.not_interested_post_ids, *excluded, *shown_post_ids],
        withheld_post_ids=[*context.withheld_post_ids, *(context.served.elsewhere_post_ids if context.served else ())],
    )
