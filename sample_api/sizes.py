"""How large a world is: numbers of people, posts and events for a scale."""

from dataclasses import dataclass
from math import sqrt

DAYS = 425  # fourteen months
LEAST_SCALE, MOST_SCALE = 0.05, 1000.0

_POSTS, _USERS, _ACTIVE, _ADMINS, _OWNERS = 1251, 1207, 831, 6, 29
_HEAVIEST = 742


class ScaleError(ValueError):
    """The scale is not one that can be generated: says which are."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """People grow with the scale; posts, and what one person can do, grow with its root (below 1, with itself)."""

    posts: int
    users: int  # with those that never did anything
    active: int
    admins: int  # of the active; the first owns most posts
    owners: int
    heaviest: int  # events of the busiest person


def sizes_of(scale: float) -> Sizes:
    """The sizes at a scale between 0.05 and 1,000. Raises ScaleError."""
    if not LEAST_SCALE <= scale <= MOST_SCALE:
        raise ScaleError(f"scale is {scale:g}: choose one between {LEAST_SCALE:g} and {MOST_SCALE:,.0f}")
    catalogue = sqrt(scale) if scale >= 1 else scale
    active = round(_ACTIVE * scale)
    return Sizes(
        posts=max(round(_POSTS * catalogue), 60),
        users=max(round(_USERS * scale), active + 10),
        active=max(active, 20),
        admins=max(round(_ADMINS * scale), 2),
        owners=max(round(_OWNERS * catalogue), 4),
        heaviest=round(_HEAVIEST * catalogue),
    )
