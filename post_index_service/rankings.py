"""The rules that order posts, by name."""

from enum import Enum


class Ranking(Enum):
    """The rule that ordered the posts. Each name is that of a value of the contract's SearchRanking."""

    USER = "user"
    MOOD_THEN_USER = "mood then user"
    MOOD = "mood"
    POPULAR = "popular"
    TRENDING = "trending"
    SIMILAR = "similar"
