"""What the gRPC and the HTTP edge share: how each error is answered, the deadline of a request, degradation counts."""

import time
from dataclasses import dataclass
from typing import Self

import grpc
import structlog
from prometheus_client import Counter

from gateway import catalog_types, feed_types, feedback_types, feeds, rules_types
from gateway.online_quality import ONLINE
from rpc.admission import OVERLOADED, TooManyRequestsError
from rpc.deadline import remaining_seconds
from rpc.errors import LONGEST_MESSAGE, ErrorRow, ErrorTable, find_row

ERRORS: ErrorTable = {
    feed_types.BlankUsernameError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "USERNAME_BLANK"),
    feed_types.InvalidCreatedAfterError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CREATED_AFTER_INVALID"),
    feed_types.InvalidDiversityError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "DIVERSITY_INVALID"),
    feed_types.InvalidFallbackError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "FALLBACK_INVALID"),
    feed_types.InvalidMostPerOwnerError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOST_PER_OWNER_NEGATIVE"),
    feed_types.InvalidPageSizeError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_SIZE_NEGATIVE"),
    feed_types.InvalidPageTokenError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"),
    feed_types.InvalidPositionError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POSITION_NEGATIVE"),
    feed_types.InvalidPostError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_INVALID"),
    feed_types.InvalidSeenError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "SEEN_INVALID"),
    feedback_types.InteractionCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "INTERACTION_COUNT_OUT_OF_RANGE"),
    feedback_types.InvalidPersonError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PERSON_INVALID"),
    catalog_types.PostCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_COUNT_OUT_OF_RANGE"),
    feeds.FeedCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "FEED_COUNT_OUT_OF_RANGE"),
    feeds.LaterPageError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"),
    rules_types.InvalidRuleError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "RULE_INVALID"),
    rules_types.RuleNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "RULE_NOT_FOUND"),
    feedback_types.PersonNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "PERSON_NOT_FOUND"),
    feedback_types.NoStoreError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "NO_STORE"),
    feedback_types.StoreUnavailableError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    feed_types.PositionNotReachedError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "POSITION_NOT_REACHED"),
    feed_types.MoodTooLongError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOOD_TOO_LONG"),
    feed_types.TooManyExclusionsError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_EXCLUSIONS"),
    feed_types.TooManyFiltersError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "FILTERS_TOO_MANY"),
    feed_types.CategoryNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND"),
    feed_types.PostNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND"),
    feed_types.UserNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"),
    feed_types.BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    feed_types.CountsNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "COUNTS_NOT_HELD"),
    feed_types.PostsNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "POSTS_NOT_HELD"),
    feed_types.DependencyOverloadedError: OVERLOADED,
    feed_types.DependencyTooOldError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "DOWNSTREAM_TOO_OLD"),
    feed_types.WrongShardError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "WRONG_SHARD"),
    feed_types.DependencyUnavailableError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "DOWNSTREAM_UNAVAILABLE"),
    feed_types.DeadlineExceededError: ErrorRow(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    TooManyRequestsError: OVERLOADED,  # the gateway itself has too many
}

_log = structlog.get_logger("gateway.edge")
DEGRADATIONS = Counter("moodfeed_feed_degradations_total", "Feeds that left something out.", ["stage", "reason"])
for _known in (feed_types.NO_USER_TOWER, feed_types.NO_MOOD):
    DEGRADATIONS.labels(_known.stage, _known.reason)  # so that the first one is an increase, from 0


def count_feed(feed: feed_types.Feed) -> None:
    """Count each stage that a feed left out, and the posts that it shows."""
    ONLINE.count_shown(feed)
    for degradation in feed.degradations:
        DEGRADATIONS.labels(degradation.stage, degradation.reason).inc()


def outcome_of(answer: feed_types.Feed | Exception) -> feed_types.Feed | feeds.Failure:
    """What one of several feeds is answered with; an error that is not expected is logged."""
    if isinstance(answer, feed_types.Feed):
        count_feed(answer)
        return answer
    row = find_row(ERRORS, answer)
    if row is None:
        _log.error("unexpected error", method="GetFeeds", exc_info=answer)
        return feeds.Failure(grpc.StatusCode.INTERNAL.value[0], "INTERNAL", "internal error")
    return feeds.Failure(row.status.value[0], row.reason, str(answer)[:LONGEST_MESSAGE])


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, in seconds of the monotonic clock, by which a request must be answered."""

    moment: float

    @classmethod
    def after(cls, budget_seconds: float, caller_seconds: float | None = None) -> Self:
        """The earlier of the gateway's own budget and the caller's deadline, None if the caller set none."""
        return cls(time.monotonic() + remaining_seconds(budget_seconds, caller_seconds))

    def seconds_left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.moment - time.monotonic())
