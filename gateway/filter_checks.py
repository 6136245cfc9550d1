"""Checks of a request's mood, its filters, and of how its posts are to be reordered."""

import math
from collections.abc import Sequence

from gateway.feed_types import (
    LONGEST_MOOD,
    MOST_EXCLUDED_OWNERS,
    MOST_FILTERED_CATEGORIES,
    MOST_LANGUAGES,
    Filters,
    InvalidDiversityError,
    InvalidMostPerOwnerError,
    MoodTooLongError,
    TooManyFiltersError,
)


def check_filters(filters: Filters) -> None:
    """TooManyFiltersError if a filter names more values than it may."""
    numbers: Sequence[tuple[str, int, int]] = (
        ("category_ids", len(filters.category_ids), MOST_FILTERED_CATEGORIES),
        ("excluded_category_ids", len(filters.excluded_category_ids), MOST_FILTERED_CATEGORIES),
        ("excluded_owner_usernames", len(filters.excluded_owner_usernames), MOST_EXCLUDED_OWNERS),
        ("languages", len(filters.languages), MOST_LANGUAGES),
    )
    for name, number, most in numbers:
        if number > most:
            raise TooManyFiltersError(f"{name} has {number} values, the maximum is {most}")


def check_reordering(diversity: float, most_per_owner: int) -> None:
    """InvalidDiversityError or InvalidMostPerOwnerError if one of the two is out of range."""
    if not (math.isfinite(diversity) and 0 <= diversity <= 1):
        raise InvalidDiversityError(f"diversity is {diversity:g}, it must be from 0 to 1")
    if most_per_owner < 0:
        raise InvalidMostPerOwnerError(f"most_per_owner is {most_per_owner}, it must not be negative")


def check_mood(mood: str) -> None:
    """MoodTooLongError above LONGEST_MOOD code points."""
    if len(mood) > LONGEST_MOOD:
        raise MoodTooLongError(f"mood has {len(mood)} code points, the maximum is {LONGEST_MOOD}")
