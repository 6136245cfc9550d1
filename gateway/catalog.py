"""How posts are stored: check each row, store those that can be, and say what became of each."""

from collections.abc import Sequence

from gateway.catalog_types import (
    MOST_POST_IDS,
    MOST_POSTS,
    KeptPost,
    Post,
    PostCountError,
    PostKeeper,
    PostNames,
    PostResult,
    Upserted,
    UpsertResult,
)
from gateway.feed_types import Clock, InvalidPostError, PostNotFoundError
from gateway.feedback import EARLIEST_MS, MOST_AHEAD_MS
from gateway.feedback_types import LONGEST_NAME
from gateway.field_checks import RejectedError, check_category_id, check_not_empty, check_post_id, check_text

LONGEST_TEXT = 10_000  # code points of a title or a description
LONGEST_URL = 2_048
LONGEST_LANGUAGE = 40
LONGEST_EMOTION = 100
MOST_EMOTIONS = 50
_LENGTHS = {
    "title": LONGEST_TEXT,
    "description": LONGEST_TEXT,
    "category_name": LONGEST_NAME,
    "video_link": LONGEST_URL,
    "thumbnail_url": LONGEST_URL,
    "owner_username": LONGEST_NAME,
    "language": LONGEST_LANGUAGE,
    "external_id": LONGEST_NAME,
}


async def upsert_posts(rows: Sequence[Post], *, keeper: PostKeeper, clock: Clock, now_ms: int) -> Upserted:
    """Store what can be stored; raises PostCountError, and as the keeper does.

    A post that cannot be stored refuses none of the others. ``now_ms`` is the time in milliseconds since 1970.
    """
    if not 1 <= len(rows) <= MOST_POSTS:
        raise PostCountError(f"{len(rows)} posts given, 1 to {MOST_POSTS} are allowed")
    checked = [_check(row, now_ms) for row in rows]
    sound = [row for row in checked if isinstance(row, Post)]
    if not sound:
        return Upserted(0, [row for row in checked if isinstance(row, PostResult)])
    stored = await keeper.upsert_posts(sound, seconds=clock.seconds_left())
    of_sound = iter(stored.results)
    return Upserted(stored.position, [row if isinstance(row, PostResult) else next(of_sound) for row in checked])


async def upsert_post(post: Post, *, keeper: PostKeeper, clock: Clock, now_ms: int) -> tuple[int, int]:
    """Store one post; gives the position and its id. InvalidPostError if it cannot be stored."""
    stored = await upsert_posts([post], keeper=keeper, clock=clock, now_ms=now_ms)
    (row,) = stored.results
    if row.result is UpsertResult.REJECTED:
        raise InvalidPostError(row.reason)
    return stored.position, row.post_id


async def delete_posts(names: PostNames, *, keeper: PostKeeper, clock: Clock) -> int:
    """Delete posts; gives the position. Raises PostCountError, InvalidPostError, and as the keeper does."""
    _check_names(names)
    return await keeper.delete_posts(names, seconds=clock.seconds_left())


async def get_posts(names: PostNames, *, keeper: PostKeeper, clock: Clock) -> Sequence[KeptPost]:
    """The posts that are known; raises PostCountError, InvalidPostError, and as the keeper does."""
    _check_names(names)
    return await keeper.get_posts(names, seconds=clock.seconds_left())


async def get_post(names: PostNames, *, keeper: PostKeeper, clock: Clock) -> KeptPost:
    """The one post of this name; PostNotFoundError if nobody knows it."""
    found = await get_posts(names, keeper=keeper, clock=clock)
    if not found:
        raise PostNotFoundError
    return found[0]


def _check_names(names: PostNames) -> None:
    count = len(names.post_ids) + len(names.external_ids)
    if not 1 <= count <= MOST_POST_IDS:
        raise PostCountError(f"{count} posts are named, 1 to {MOST_POST_IDS} are allowed")
    try:
        for post_id in names.post_ids:
            check_post_id(post_id, "post_ids")
        for external_id in names.external_ids:
            check_text(external_id, "external_ids", LONGEST_NAME)
            check_not_empty(external_id, "external_ids")
    except RejectedError as error:
        raise InvalidPostError(str(error)) from error


def _check(post: Post, now_ms: int) -> Post | PostResult:
    try:
        _check_fields(post, now_ms)
    except RejectedError as error:
        return PostResult(UpsertResult.REJECTED, str(error))
    return post


def _check_fields(post: Post, now_ms: int) -> None:
    if post.post_id is None and not post.external_id:
        raise RejectedError("post_id: is missing; name the post by post_id or external_id")
    if post.post_id is not None:
        check_post_id(post.post_id, "post_id")
    check_category_id(post.category_id, "category_id")
    for field, longest in _LENGTHS.items():
        check_text(getattr(post, field), field, longest)
    check_not_empty(post.video_link, "video_link")
    if post.external_id:
        check_not_empty(post.external_id, "external_id")
    if len(post.emotions) > MOST_EMOTIONS:
        raise RejectedError(f"emotions: {len(post.emotions)} are given, the maximum is {MOST_EMOTIONS}")
    for emotion in post.emotions:
        check_text(emotion, "emotions", LONGEST_EMOTION)
    if post.created_at_ms is not None and post.created_at_ms < EARLIEST_MS:
        raise RejectedError("created_at: is before the year 2000")
    if post.created_at_ms is not None and post.created_at_ms > now_ms + MOST_AHEAD_MS:
        raise RejectedError("created_at: is more than a minute in the future")
