"""How interactions are recorded: check each row, record those that can be, and say what became of each."""

import hashlib
from collections.abc import Sequence

from gateway.feed_types import LARGEST_PAGE_SIZE, Clock
from gateway.feedback_types import (
    LONGEST_NAME,
    MOST_INTERACTIONS,
    VERBS,
    Interaction,
    InteractionCountError,
    InteractionRecorder,
    InvalidPersonError,
    Recorded,
    Result,
    RowResult,
    UnreadableInteraction,
)
from gateway.online_quality import ONLINE

EARLIEST_MS = 946_684_800_000  # 2000-01-01
MOST_AHEAD_MS = 60_000
_SHOWN_CHARACTERS = 40
_SMALLEST_ID, _LARGEST_ID = -(2**63), 2**63 - 1


class _RejectedError(Exception):
    """The row cannot be recorded; the text begins with the name of the field."""


async def record_interactions(
    rows: Sequence[Interaction | UnreadableInteraction], *, recorder: InteractionRecorder, clock: Clock, now_ms: int
) -> Recorded:
    """Record what can be recorded; raises InteractionCountError, and as the recorder does.

    A row that cannot be recorded refuses none of the others. ``now_ms`` is the time in milliseconds since 1970.
    """
    if not 1 <= len(rows) <= MOST_INTERACTIONS:
        raise InteractionCountError(f"{len(rows)} interactions given, 1 to {MOST_INTERACTIONS} are allowed")
    checked = [_check(row, now_ms) for row in rows]
    sound = [row for row in checked if isinstance(row, Interaction)]
    if not sound:
        return Recorded(0, [row for row in checked if isinstance(row, RowResult)])
    recorded = await recorder.record(sound, seconds=clock.seconds_left())
    ONLINE.count_told(sound, recorded.results)
    of_sound = iter(recorded.results)
    return Recorded(recorded.position, [row if isinstance(row, RowResult) else next(of_sound) for row in checked])


def _check(row: Interaction | UnreadableInteraction, now_ms: int) -> Interaction | RowResult:
    """The row with a time and an event id, or why it is rejected."""
    if isinstance(row, UnreadableInteraction):
        return RowResult(Result.REJECTED, row.reason)
    try:
        _check_names(row)
        _check_deed(row)
        _check_numbers(row, now_ms)
    except _RejectedError as error:
        return RowResult(Result.REJECTED, str(error))
    if row.occurred_at_ms is not None and row.event_id:
        return row
    moment = now_ms if row.occurred_at_ms is None else row.occurred_at_ms
    return Interaction(  # dataclasses.replace takes twice as long, and there are a thousand rows a second
        event_id=row.event_id or _made_event_id(row, moment),
        username=row.username,
        post_id=row.post_id,
        external_id=row.external_id,
        verb=row.verb,
        watched_share=row.watched_share,
        rating_percent=row.rating_percent,
        occurred_at_ms=moment,
        retracts=row.retracts,
        feed_id=row.feed_id,
        place=row.place,
    )


def _check_names(row: Interaction) -> None:
    if not row.username.strip():
        raise _RejectedError("username: must not be empty or blank")
    together = f"{row.username}{row.event_id}{row.external_id}{row.retracts}{row.feed_id}"
    if len(together) <= LONGEST_NAME and "\0" not in together:
        return
    for field in ("username", "event_id", "external_id", "retracts", "feed_id"):
        text: str = getattr(row, field)
        if len(text) > LONGEST_NAME:
            raise _RejectedError(f"{field}: has {len(text)} code points, the maximum is {LONGEST_NAME}")
        if "\0" in text:
            raise _RejectedError(f"{field}: must not hold the character U+0000")


def _check_deed(row: Interaction) -> None:
    if not row.verb and not row.retracts:
        raise _RejectedError("verb: is missing; only an interaction that retracts another may lack it")
    if row.verb and row.verb not in VERBS:
        raise _RejectedError(f"verb: {row.verb[:_SHOWN_CHARACTERS]!r} is not one of {', '.join(VERBS)}")
    if row.verb and row.post_id is None and not row.external_id:
        raise _RejectedError("post_id: is missing; name the post by post_id or external_id")
    if row.retracts and row.retracts == row.event_id:
        raise _RejectedError("retracts: must not be the event_id of the same interaction")


def _check_numbers(row: Interaction, now_ms: int) -> None:
    if row.post_id is not None and not _SMALLEST_ID <= row.post_id <= _LARGEST_ID:
        raise _RejectedError("post_id: must be a 64-bit integer")
    if row.watched_share is not None and not 0 <= row.watched_share <= 1:
        raise _RejectedError(f"watched_share: must be from 0 to 1, not {row.watched_share:g}")
    if row.verb == "RATING" and row.rating_percent is None:
        raise _RejectedError("rating_percent: is missing; the verb RATING requires it")
    if row.verb != "RATING" and row.rating_percent is not None:
        raise _RejectedError("rating_percent: is allowed only with the verb RATING")
    if row.rating_percent is not None and not 1 <= row.rating_percent <= 100:
        raise _RejectedError(f"rating_percent: must be from 1 to 100, not {row.rating_percent}")
    if row.place is not None and not 1 <= row.place <= LARGEST_PAGE_SIZE:
        raise _RejectedError(f"place: must be from 1 to {LARGEST_PAGE_SIZE}, not {row.place}")
    if row.occurred_at_ms is None:
        return
    if row.occurred_at_ms < EARLIEST_MS:
        raise _RejectedError("occurred_at: is before the year 2000")
    if row.occurred_at_ms > now_ms + MOST_AHEAD_MS:
        raise _RejectedError("occurred_at: is more than a minute in the future")


def _made_event_id(row: Interaction, moment: int) -> str:
    """An event id that the same user, post, verb and time always have."""
    parts = (row.username, str(row.post_id), row.external_id, row.verb, str(moment), row.retracts)
    content = b"".join(len(part).to_bytes(4) + part for part in (text.encode() for text in parts))
    return f"made-{hashlib.blake2b(content, digest_size=16).hexdigest()}"


def check_person(username: str) -> None:
    """Check a username that operators name; InvalidPersonError if nobody can have it."""
    if not username.strip() or len(username) > LONGEST_NAME or "\0" in username:
        raise InvalidPersonError(f"username must have 1 to {LONGEST_NAME} code points, not all blank, without U+0000")
