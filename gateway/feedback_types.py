"""What is told about people, what becomes of it, and how that fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.feed_types import DependencyUnavailableError, FeedError

MOST_INTERACTIONS = 1000
LONGEST_NAME = 200  # code points of a username, an event id or any other id
VERBS = ("VIEW", "LIKE", "INSPIRE", "RATING", "SKIP", "NOT_INTERESTED")


class InteractionCountError(FeedError):
    """The request does not hold 1 to MOST_INTERACTIONS interactions."""


class PersonNotFoundError(FeedError):
    """Nothing is kept about the person."""

    def __init__(self) -> None:
        super().__init__("nothing is stored about this person")


class InvalidPersonError(FeedError):
    """A username is blank or too long, or a person would be merged into themselves."""


class NoStoreError(DependencyUnavailableError):
    """Feedback is not set up."""


class StoreUnavailableError(DependencyUnavailableError):
    """The store does not answer: nothing was recorded, or it is not known whether it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One thing that a person did, as it was told; feedback.proto says what each field means.

    ``verb`` is one of VERBS, empty for none, or whatever else was told. ``occurred_at_ms`` is None for now.
    """

    username: str
    verb: str = ""
    event_id: str = ""
    post_id: int | None = None
    external_id: str = ""
    watched_share: float | None = None
    rating_percent: int | None = None
    occurred_at_ms: int | None = None
    retracts: str = ""
    feed_id: str = ""
    place: int | None = None


@dataclass(frozen=True, slots=True)
class UnreadableInteraction:
    """A row that is not an interaction at all: ``reason`` says why."""

    reason: str


class Result(Enum):
    """What became of an interaction; each value is the name in the contract."""

    ACCEPTED = "RECORD_RESULT_ACCEPTED"
    DUPLICATE = "RECORD_RESULT_DUPLICATE"
    REJECTED = "RECORD_RESULT_REJECTED"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one interaction, why if it was rejected, and under which event id it is recorded otherwise."""

    result: Result
    reason: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each interaction, in order, and the position at which all can be read; 0 if none was recorded."""

    position: int
    results: Sequence[RowResult]


class InteractionRecorder(Protocol):
    """Records interactions durably."""

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions that have an event id and a time, within ``seconds``.

        Raises NoStoreError, StoreUnavailableError, DependencyOverloadedError, DependencyUnavailableError.
        """
