"""The fields of requests as keyword arguments; written by `make client-protos`."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict


class FeedOptions(TypedDict, total=False):
    """The other fields of a GetFeedRequest."""

    category_id: int
    """Only posts of this category; absent for all categories."""
    mood: str
    """Words, emoji or both, at most 512 code points; a blank mood is treated as absent."""
    page_size: int
    """Posts on a page: 0 means 10, above 100 means 100, negative is INVALID_ARGUMENT."""
    page_token: str
    """Empty for the first page; otherwise next_page_token of the previous page, with username, category_id, mood,
    exclude_post_ids, exclude_external_ids, seen, remember_served, the filters, diversity and most_per_owner
    unchanged. If pages may explore, page_size must also be the same on all pages: INVALID_ARGUMENT otherwise. Later
    pages show the feed as it was when the first page was made. They leave out posts that the user has since marked
    as not interesting, posts that were since deleted, hidden or made not servable and, with remember_served, posts
    that other feeds have since shown. A token is valid for 15 minutes, unless the gateway is configured otherwise.
    """
    exclude_post_ids: Iterable[int]
    """Posts never to return, by post_id; at most 1000 together with exclude_external_ids."""
    required_bundle_id: str
    """If set, the bundle that must be used; FAILED_PRECONDITION if it is not held."""
    strict: bool
    """Return UNAVAILABLE instead of a degraded feed."""
    exclude_external_ids: Iterable[str]
    """Posts never to return, by their external_id, compared exactly: "603" is the external id 603 and never a
    post_id. An id that no post has is ignored.
    """
    at_least_position: int
    """The position that RecordInteractions, or a change to posts or rules, returned. The feed takes everything up
    to it into account, through whichever gateway the change was made. UNAVAILABLE with the reason
    POSITION_NOT_REACHED if that position cannot be reached in time. 0 for none.
    """
    seen: int
    """What to do with posts that the user has seen and, without remember_served, with posts that were shown with
    it.
    """
    remember_served: bool
    """Leave out the posts that were shown to this user with remember_served, through any gateway, in the last
    hours, as many as the user tower service is configured to (24), and remember the posts of this response before
    it is sent. Of two simultaneous responses only one shows a given post. Until the feed is exhausted, no post is
    shown again. A response that did not arrive has been remembered too; asking again with the same page_token gives
    the same page. Remembering needs a store: UNAVAILABLE with the reason NO_STORE or STORE_UNAVAILABLE if the posts
    cannot be remembered.
    """
    fallback: int
    """What an unknown user gets if the request lacks a mood or a category."""
    category_ids: Iterable[int]
    """Only posts of these categories, at most 100; together with category_id, posts of both. An id that is not a
    category is NOT_FOUND, as with category_id.
    """
    excluded_category_ids: Iterable[int]
    """No posts of these categories, at most 100; an id that is not a category is ignored."""
    excluded_owner_usernames: Iterable[str]
    """No posts of these accounts, compared exactly, at most 100."""
    created_after: datetime
    """Only posts created after this time; posts whose creation time is not known are left out."""
    languages: Iterable[str]
    """Only posts of these languages, such as "en", at most 20, without regard to case; posts whose language is not
    known are left out.
    """
    include_own_posts: bool
    """Also the user's own posts, which are left out otherwise: those whose owner_username is the username. This
    also applies to a username that is not a known user.
    """
    diversity: float
    """From 0 to 1: how much the best candidates are reordered so that the posts of a page differ. 0 leaves the
    ranking as it is. Each hundred posts of the ranking are reordered separately, and so are seen posts.
    """
    most_per_owner: int
    """The most posts of one account on a page; 0 for no limit. Posts that this leaves out come on later pages, even
    after seen posts of other accounts. page_size must be the same on all pages. Posts without owner_username have
    no limit.
    """
    explain: bool
    """Fill in explanation, which says why each post is there."""


class TrendingOptions(TypedDict, total=False):
    """The other fields of a ListTrendingRequest."""

    category_id: int
    """Only posts of this category; absent for all categories."""
    page_size: int
    """As in GetFeedRequest."""
    page_token: str
    """Empty for the first page; otherwise next_page_token of the previous page, with category_id unchanged. Later
    pages count the interactions that the first one counted.
    """
    required_bundle_id: str
    """As in GetFeedRequest."""


class SimilarOptions(TypedDict, total=False):
    """The other fields of a GetSimilarPostsRequest."""

    username: str
    """Matched exactly. For an unknown user, and for a visitor without a name, only closeness to the post counts."""
    page_size: int
    """As in GetFeedRequest."""
    page_token: str
    """Empty for the first page; otherwise next_page_token of the previous page, with all fields but page_size,
    required_bundle_id and explain unchanged.
    """
    exclude_post_ids: Iterable[int]
    """As in GetFeedRequest."""
    required_bundle_id: str
    """As in GetFeedRequest."""
    exclude_external_ids: Iterable[str]
    """As in GetFeedRequest."""
    at_least_position: int
    """As in GetFeedRequest."""
    seen: int
    """As in GetFeedRequest."""
    category_ids: Iterable[int]
    """As in GetFeedRequest."""
    excluded_category_ids: Iterable[int]
    """As in GetFeedRequest."""
    excluded_owner_usernames: Iterable[str]
    """As in GetFeedRequest."""
    created_after: datetime
    """As in GetFeedRequest."""
    languages: Iterable[str]
    """As in GetFeedRequest."""
    include_own_posts: bool
    """As in GetFeedRequest."""
    explain: bool
    """As in GetFeedRequest."""


class InteractionOptions(TypedDict, total=False):
    """The other fields of a Interaction."""

    event_id: str
    """The caller's id of this event, unique across all people and for all time, 1 to 200 code points. If it was
    ever recorded before, the interaction is a DUPLICATE and changes nothing. If absent, it is derived from
    username, post, verb and occurred_at.
    """
    post_id: int
    """The post; required unless external_id names it. An unknown post is accepted, and counts once it is known."""
    watched_share: float
    """The share of the video that was watched, 0 to 1."""
    rating_percent: int
    """The rating, 1 to 100; only with VERB_RATING."""
    occurred_at: datetime
    """When it happened; absent for now. Before the year 2000, or more than a minute in the future, is REJECTED."""
    retracts: str
    """The event_id of an interaction of the same person to take back: it no longer counts. If it has not arrived
    yet, it is taken back when it arrives.
    """
    feed_id: str
    """The feed_id of the response that showed the post."""
    external_id: str
    """The id of the post at its source, in place of post_id."""
    place: int
    """The place of the post in the response that feed_id names, 1 for its first post, at most 100. The gateway
    counts it in its metrics and does not store it.
    """
