"""What a training run may vary."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

OBJECTIVES = ("softmax", "bce", "mse", "mse-negatives")
USERS = ("transformer", "pooled", "id")


class TrainingConfigError(Exception):
    """A file of settings cannot be used: names the file, the field and what is wrong."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What a training run may vary. Same configuration, data and kind of processor: same towers, to the bit."""

    objective: str = (
        "softmax"  # softmax: sampled softmax; bce; mse: the predecessor's; mse-negatives: 0 for random posts
    )
    seed: int = 7
    epochs: int = 3
    patience: int = 4  # epochs without a better validation NDCG@10 before training stops; the best epoch is kept
    batch_size: int = 256
    learning_rate: float = 1e-3
    warm_up: float = 0.1  # share of all steps in which the rate rises; then a cosine down to nothing
    weight_decay: float = 1e-4
    temperature: float = 0.05
    uniform_negatives: int = 512  # drawn from the catalogue, beside the targets of the batch
    uniform_negatives_met: bool = False  # only from posts that somebody met: what is new is not pushed away
    logq: bool = True  # correct for how often sampling brings a post into a batch
    use_text: bool = True
    use_words: bool = True
    users: str = "transformer"  # over the history; pooled or id only to be compared with
    snapshot_days: float = 7.0  # how often the past's popularity is looked at
    serving_days: float = 28.0  # an example's snapshot lies up to this long before it
    live_share: float = 0.5  # share of examples that see their history up to the moment itself
    forgetting_days: float = 90.0  # an example this much older than the newest one counts 1/e as much
    user_balance: float = 0.5  # 0: every example counts alike, 1: every user does
    validation_share: float = 0.05
    representation_dimension: int = 48
    popularity_dimension: int = 16
    history_length: int = 50
    taste_from_mean: float = 6.0  # how much the mean of a history counts in a taste when training begins; 0: never
    text_scale: float = 1.0  # of the text beside the id embedding when training begins
    id_dropout: float = 0.5  # share of posts that a batch treats as never seen before
    word_dropout: float = 0.2  # share of a post's words that a batch does not see
    dropout: float = 0.1
    new_post_bonus: float = 0.0  # added to the score, -1..1, of a post that nobody has met, so that it gets met

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the fields that a TOML file sets; TrainingConfigError names what is wrong in it."""
        try:
            document = tomllib.loads(path.read_text())
        except FileNotFoundError:
            raise TrainingConfigError(f"{path} is missing") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TrainingConfigError(f"{path} is no TOML: {error}") from error
        defaults = cls()
        for name, value in document.items():
            if name not in {field.name for field in fields(cls)}:
                raise TrainingConfigError(f"{path}: unknown field {name}")
            wanted = type(getattr(defaults, name))
            if type(value) is not wanted and not (wanted is float and type(value) is int):
                raise TrainingConfigError(f"{path}: {name} is {value!r}, it must be a {wanted.__name__}")
        for name, choices in (("objective", OBJECTIVES), ("users", USERS)):
            if document.get(name, choices[0]) not in choices:
                raise TrainingConfigError(f"{path}: {name} must be one of {', '.join(choices)}")
        return cls(**document)
