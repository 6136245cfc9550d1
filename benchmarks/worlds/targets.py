"""What the real platform has, and how near a world must come: the ten rows, and the rule of acceptance."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One figure of the platform. A range is its middle and half its width."""

    name: str
    real: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Row:
    """One of the ten rows: a claim, and the figures that show it."""

    number: int
    claim: str
    figures: tuple[Target, ...]


def _between(name: str, low: float, high: float) -> Target:
    return Target(name, (low + high) / 2, (high - low) / 2)


TARGETS = (
    Row(
        1,
        "One category a person",
        (
            Target("same category in a session", 0.93, 0.03),
            Target("same category from session to session", 0.78, 0.08),
            Target("same category drawn from the day", 0.68, 0.08),
            Target("people of one category", 0.73, 0.10),
        ),
    ),
    Row(
        2,
        "Popularity is slow",
        (
            Target("60 d / last month", 1.08, 0.1),
            Target("14 d / last month", 0.93, 0.1),
            Target("7 d / last month", 0.94, 0.1),
            Target("3-day decay / last month", 0.84, 0.1),
            Target("all time / last month", 0.78, 0.2),
            Target("Spearman week to week", 0.37, 0.06),
            Target("Spearman month to month", 0.48, 0.08),
        ),
    ),
    Row(
        3,
        "Old posts are met",
        (
            Target("age under 1 d", 0.09, 0.05),
            Target("age 1-7 d", 0.06, 0.05),
            Target("age 7-30 d", 0.12, 0.05),
            Target("age 30-90 d", 0.25, 0.05),
            Target("age over 90 d", 0.48, 0.05),
            Target("pairs within 30 d of a post's first", 0.31, 0.06),
        ),
    ),
    Row(
        4,
        "Few owners, bulk uploads",
        (
            Target("owners", 29, 10),
            Target("busiest owner's share", 0.75, 0.10),
            Target("days without a new post", 0.81, 0.08),
            Target("posts on the day of a post", 33, 10),
        ),
    ),
    Row(
        5,
        "A served sequence",
        (
            Target("next within 1", 0.16, 0.04),
            Target("next within 5", 0.29, 0.06),
            Target("next within 20", 0.44, 0.08),
            Target("steps that occur 3 times", 0.26, 0.06),
            Target("seconds between posts", 8, 3),
        ),
    ),
    Row(
        6,
        "Waves of newcomers",
        (
            Target("new people a day, variance / mean", 9.3, 3),
            Target("new people a day, autocorrelation", 0.69, 0.15),
            _between("largest / smallest window", 3, 8),
        ),
    ),
    Row(
        7,
        "Newcomers are led alike",
        (
            Target("Jaccard in a week", 0.17, 0.05),
            Target("Jaccard in other weeks", 0.05, 0.02),
            Target("same first three", 0.20, 0.08),
            _between("best list in hindsight / last month", 1.5, 1.8),
        ),
    ),
    Row(
        8,
        "No taste inside a category",
        (
            Target("text percentile within the category", 0.526, 0.02),
            Target("text percentile over all", 0.64, 0.04),
            Target("item-kNN / popularity", 0.82, 0.3),
            Target("ALS / popularity", 0.86, 0.3),
            Target("content / popularity", 0.27, 0.2),
            Target("category affinity / popularity", 1.40, 0.2),
            Target("owner lift", 1.05, 0.1),
        ),
    ),
    Row(
        9,
        "Signs say little, in any order",
        (
            Target("AUC of ratings for likes", 0.50, 0.04),
            Target("spread of a person's ratings", 6.5, 2),
            Target("view before like", 0.65, 0.08),
            Target("view before rating", 0.66, 0.08),
        ),
    ),
    Row(
        10,
        "Uneven months, more coming back",
        (
            _between("pairs on unmet posts, smallest window", 0.06, 0.48),
            _between("pairs on unmet posts, largest window", 0.06, 0.48),
            Target("category drift", 0.26, 0.08),
            Target("comes again after 1 d", 0.23, 0.0575),
            Target("comes again after 7 d", 0.15, 0.0375),
            Target("comes again after 30 d", 0.085, 0.02125),
            Target("pairs by admins", 0.14, 0.035),
            Target("pairs on own posts", 0.05, 0.0125),
        ),
    ),
)

ACCEPTANCE = (
    _between("3-day decay / last month", 0.75, 1.0),
    _between("category affinity / popularity", 1.2, 1.6),
    _between("live trend / frozen last month at a session's start", 1.4, 2.0),
    _between("live category x trend / live trend for later visits", 1.4, 1.8),
    _between("blend / live trend within a session", 2.0, 2.8),
)
