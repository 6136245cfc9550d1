"""The shape of the two towers, free of torch."""

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """Everything that fixes the shape of the two towers; a fact of the bundle, never a setting of a service."""

    text_dimension: int
    post_count: int
    category_count: int  # row 0 stands for none and for categories unknown at training time
    word_count: int  # without row 0, which stands for none
    tower_dimension: int = 64  # the last one is that of newness
    representation_dimension: int = 48  # the part of an embedding that tastes meet; the rest is popularity
    hidden_dimension: int = 128
    history_length: int = 50
    heads: int = 2  # of the attention over the history
    id_dropout: float = 0.5  # share of posts that training treats as never seen before
    word_dropout: float = 0.2
    dropout: float = 0.1
    new_post_bonus: float = 0.0  # what is added to the score of a post that nobody has met
    taste_from_mean: float = 0.0  # where not 0: how much the mean of the history counts in a person's taste at first
    newcomers_follow_trend: bool = True  # without a history a person gets what is met now, and no taste is made up

    @property
    def learned_dimension(self) -> int:
        """All of an embedding but the newness."""
        return self.tower_dimension - 1

    def as_facts(self) -> dict[str, bool | int | float | str]:
        """The fields for the manifest."""
        return dict(asdict(self))

    @classmethod
    def from_facts(cls, facts: dict[str, bool | int | float | str]) -> Self:
        """Read the manifest's fields; TypeError if one is missing or unknown."""
        return cls(**facts)  # type: ignore[arg-type]


def newness_of(bonus: float) -> float:
    """The last component b of an embedding: a new post's score grows by 2 b^2 / (1 - b^2), which is the bonus."""
    return float((bonus / (2 + bonus)) ** 0.5)
