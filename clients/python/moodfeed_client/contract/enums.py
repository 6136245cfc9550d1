"""The enums of the contract, their values by their short names; written by `make client-protos`."""

from enum import IntEnum


class UpsertResult(IntEnum):
    """What became of a post."""

    UNSPECIFIED = 0
    """Never sent."""
    ACCEPTED = 1
    """It is stored."""
    REJECTED = 2
    """It cannot be stored; the reason says why."""


class PostState(IntEnum):
    """The state of a post."""

    UNSPECIFIED = 0
    """Never sent."""
    SERVED = 1
    """Feeds may show it."""
    PENDING = 2
    """It waits for its embeddings."""
    NOT_SERVABLE = 3
    """is_servable is false."""
    DELETED = 4
    """It is deleted."""


class Seen(IntEnum):
    """What to do with posts that the user has seen."""

    UNSPECIFIED = 0
    """The same as SEEN_LAST."""
    LAST = 1
    """They come after all others."""
    EXCLUDED = 2
    """They are left out."""


class Fallback(IntEnum):
    """What an unknown user gets if the request lacks a mood or a category."""

    UNSPECIFIED = 0
    """The same as FALLBACK_NONE."""
    NONE = 1
    """NOT_FOUND with the reason USER_NOT_FOUND."""
    POPULAR = 2
    """The most popular posts, of the category if one is given; a mood without a category is ignored."""
    TRENDING = 3
    """The posts that ListTrending lists, of the category if one is given; a mood without a category is ignored."""


class Ranking(IntEnum):
    """Which rule ordered a feed."""

    UNSPECIFIED = 0
    """Never sent."""
    USER = 1
    """By the user tower's score; where the data says when people did what, by a blend of it with what people meet
    at present, the categories of the user's last posts, and what followed the newest of them.
    """
    MOOD_THEN_USER = 2
    """By closeness to the mood plus the user tower's score times a weight of the bundle."""
    MOOD = 3
    """By closeness to the mood."""
    POPULAR = 4
    """By popularity; in a degraded feed, or with FALLBACK_POPULAR."""
    TRENDING = 5
    """By how many people interact with them at present; only with FALLBACK_TRENDING and in ListTrending."""
    SIMILAR = 6
    """By closeness to a post; for a known user, plus the user tower's score times a weight. Only in
    GetSimilarPosts.
    """


class Reason(IntEnum):
    """Why a post is where it is."""

    UNSPECIFIED = 0
    """Never sent."""
    USER = 1
    """The user tower's score."""
    MOOD_AND_USER = 2
    """Its closeness to the mood and the user tower's score."""
    MOOD = 3
    """Its closeness to the mood."""
    POPULAR = 4
    """Its popularity."""
    TRENDING = 5
    """How many people interact with it at present."""
    SIMILAR = 6
    """It is like the post that was asked for."""
    PINNED = 7
    """An operator's rule pins it."""
    BOOSTED = 8
    """An operator's rule boosts it."""
    EXPLORATION = 9
    """It is new, few people have been shown it, and the feed tests whether people like it. At most one on a page,
    in the last place, if the gateway is configured to explore; its ranking_score is that of the post whose place it
    takes.
    """


class Verb(IntEnum):
    """What a person did with a post."""

    UNSPECIFIED = 0
    """Only for an interaction that does nothing but retract another."""
    VIEW = 1
    """The post was on the screen."""
    LIKE = 2
    """The person liked it."""
    INSPIRE = 3
    """The person marked it as inspiring, which is stronger than a like."""
    RATING = 4
    """The person rated it; rating_percent is required."""
    SKIP = 5
    """The person moved on at once; counts as a weak view."""
    NOT_INTERESTED = 6
    """The person does not want to see the post: it leaves their feeds, until they like it or take this back."""


class RecordResult(IntEnum):
    """What became of an interaction."""

    UNSPECIFIED = 0
    """Never sent."""
    ACCEPTED = 1
    """It is recorded."""
    DUPLICATE = 2
    """Its event_id was recorded before; nothing changed."""
    REJECTED = 3
    """It cannot be recorded; the reason says why."""


class RuleAction(IntEnum):
    """What a rule does with the posts that it names."""

    UNSPECIFIED = 0
    """INVALID_ARGUMENT."""
    PIN = 1
    """They come first, in the order of post_ids, in every feed that may show them. If several rules pin posts, the
    first by name applies. A post that the user has seen is not pinned.
    """
    BOOST = 2
    """They move up, or down, by boost."""
    HIDE = 3
    """No feed shows them."""
