"""The facts of the two towers that serving and training share; importing it does not load torch."""

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """The shapes and constants of the two towers that serving needs: facts of the bundle, never settings of a service.

    How the towers were trained is in pipeline.training_config.TrainingConfig.
    """

    text_dimension: int
    post_count: int
    category_count: int  # including row 0: no category, or one unknown at training time
    word_count: int  # excluding row 0: no word
    tower_dimension: int = 64  # including the last component, the newness
    representation_dimension: int = 48  # components that hold the taste; the others hold popularity and newness
    hidden_dimension: int = 128
    history_length: int = 50
    heads: int = 2  # of the attention over the history
    new_post_bonus: float = 0.0  # added to the score of a post without interactions
    taste_from_mean: float = 0.0  # if not 0: the initial weight of the mean of the history in a taste
    order_decay: float = (
        0.0  # if not 0: the history's mean asks the attention; initial weight of the older of two posts
    )
    newcomers_follow_trend: bool = True  # a user without a history gets the trend alone, and has no taste

    @property
    def learned_dimension(self) -> int:
        """The components of an embedding without the newness."""
        return self.tower_dimension - 1

    def as_facts(self) -> dict[str, bool | int | float | str]:
        """The fields as the manifest holds them."""
        return dict(asdict(self))

    @classmethod
    def from_facts(cls, facts: dict[str, bool | int | float | str]) -> Self:
        """Read the fields of a manifest; TypeError if one is missing or unknown."""
        return cls(**facts)  # type: ignore[arg-type]


def newness_of(bonus: float) -> float:
    """The last component b of an embedding: with it the score of a new post grows by the bonus, 2 b^2 / (1 - b^2)."""
    return float((bonus / (2 + bonus)) ** 0.5)
