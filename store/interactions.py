"""The values that are recorded and read back: interactions, and what became of each."""

import math
from dataclasses import dataclass
from enum import Enum, IntEnum

from store.errors import InvalidInteractionError

LONGEST_USERNAME = 200  # code points
LONGEST_EVENT_ID = 200  # code points; of external ids and feed ids too
_SMALLEST_ID, _LARGEST_ID = -(2**63), 2**63 - 1


class Verb(IntEnum):
    """What a person did with a post. Stored as this number: append only.

    The first four have the numbers of ``bundle.verbs.VERBS``.
    """

    VIEW = 0
    LIKE = 1
    INSPIRE = 2
    RATING = 3
    SKIP = 4
    NOT_INTERESTED = 5


class RecordResult(Enum):
    """What became of a recorded row."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # its event id was recorded before, at any time; nothing changed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInteraction:
    """One row to record; InvalidInteractionError names the field that cannot be stored.

    ``event_id`` is unique for ever, over all people. ``occurred_at_ms`` is in milliseconds since 1970, UTC.
    The post is named by ``post_id`` or by ``external_id``, its id at its source. ``watched_share`` is 0..1 and
    ``rating_percent`` 1..100. ``feed_id`` names the answer that showed the post.

    ``retracts`` is the event id that this row takes back. Such a row needs no verb and no post. If it has both, it
    counts as an interaction of its own, as when a rating replaces another.

    What is checked here is what a row can hold. Whether the time is plausible, and which fields belong to which verb,
    is checked by the caller.
    """

    event_id: str
    username: str
    occurred_at_ms: int
    verb: Verb | None = None
    post_id: int | None = None
    external_id: str | None = None
    watched_share: float | None = None
    rating_percent: int | None = None
    feed_id: str | None = None
    retracts: str | None = None

    def __post_init__(self) -> None:
        check_text("username", self.username, longest=LONGEST_USERNAME)
        check_text("event_id", self.event_id)
        for field in ("external_id", "feed_id", "retracts"):
            if (text := getattr(self, field)) is not None:
                check_text(field, text)
        _check_id("occurred_at_ms", self.occurred_at_ms)
        if self.post_id is not None:
            _check_id("post_id", self.post_id)
        if self.watched_share is not None and not (math.isfinite(self.watched_share) and 0 <= self.watched_share <= 1):
            raise InvalidInteractionError(f"watched_share: must be 0 to 1, not {self.watched_share}")
        if self.rating_percent is not None and not 1 <= self.rating_percent <= 100:
            raise InvalidInteractionError(f"rating_percent: must be 1 to 100, not {self.rating_percent}")
        self._check_what_is_there()

    def _check_what_is_there(self) -> None:
        names_a_post = self.post_id is not None or self.external_id is not None
        if self.verb is None and self.retracts is None:
            raise InvalidInteractionError("verb: is missing; only a retraction may lack it")
        if self.verb is not None and not names_a_post:
            raise InvalidInteractionError("post_id: is missing; name the post by post_id or external_id")
        if self.retracts == self.event_id:
            raise InvalidInteractionError("retracts: must not be the event_id of the same row")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each row of ``record``, in its order, and the position at which all of them can be read.

    If every row is a duplicate, ``position`` is the log's position now, at which the earlier rows can be read.
    """

    position: int
    results: tuple[RecordResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A recorded interaction. Fields as in NewInteraction.

    ``username`` is whose it is now: after a merge the person that it was merged into, from position ``since`` on
    (before any merge ``since`` is ``position``). ``taken_back_at`` is the position from which it does not count
    any more, None while it counts; a row whose retraction came first is taken back at its own position.
    """

    position: int
    since: int
    username: str
    verb: Verb
    occurred_at_ms: int
    event_id: str
    post_id: int | None
    external_id: str | None
    watched_share: float | None
    rating_percent: int | None
    feed_id: str | None
    taken_back_at: int | None

    def counts_at(self, position: int) -> bool:
        """Whether the person had done this, and not taken it back, when the log stood at ``position``."""
        return self.since <= position and (self.taken_back_at is None or self.taken_back_at > position)


def check_text(field: str, text: str, *, longest: int = LONGEST_EVENT_ID) -> None:
    """InvalidInteractionError unless every database can hold the text: 1..``longest`` code points, no NUL, UTF-8."""
    if not 0 < len(text) <= longest:
        raise InvalidInteractionError(f"{field}: must have 1 to {longest} code points, not {len(text)}")
    if "\x00" in text:
        raise InvalidInteractionError(f"{field}: must not hold the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInteractionError(f"{field}: must not contain an unpaired surrogate") from None


def _check_id(field: str, number: int) -> None:
    if not _SMALLEST_ID <= number <= _LARGEST_ID:
        raise InvalidInteractionError(f"{field}: must be a 64-bit integer, not {number}")
