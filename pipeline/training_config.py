"""The settings of a training run."""

import json
import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)


class Objective(StrEnum):
    """What training minimises; pipeline.losses has the formula of each."""

    SOFTMAX = "softmax"
    BCE = "bce"
    MSE = "mse"  # the predecessor's: the error on observed interaction scores
    MSE_NEGATIVES = "mse-negatives"


OBJECTIVES = tuple(Objective)

Share = Annotated[float, Field(ge=0, le=1)]


class TrainingConfigError(Exception):
    """A settings file cannot be used: names the file, the key and the allowed values."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """The settings of a training run. Equal settings, data and kind of processor give bit-identical towers."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    objective: Objective = Objective.SOFTMAX
    seed: NonNegativeInt = 7
    epochs: PositiveInt = 3
    patience: NonNegativeInt = 4  # epochs without a better validation NDCG@10 before training stops
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 1e-3
    warm_up: Share = 0.1  # share of all steps in which the rate rises; a cosine decay follows
    weight_decay: NonNegativeFloat = 1e-4
    temperature: PositiveFloat = 0.05
    uniform_negatives: NonNegativeInt = 512  # drawn from the catalogue, in addition to the targets of the batch
    uniform_negatives_met: bool = False  # draw only posts with an interaction, so that new posts are not pushed away
    snapshot_days: PositiveFloat = 7.0  # interval between two snapshots of popularity
    serving_days: NonNegativeFloat = 28.0  # an example's snapshot is at most this much older than the example
    live_share: Share = 0.5  # share of examples whose history reaches up to the example itself
    time_decay_days: PositiveFloat = 90.0  # an example this much older than the newest one has 1/e of its weight
    user_balance: NonNegativeFloat = 0.5  # 0: every example has the same weight, 1: every user has
    validation_share: Share = 0.05
    representation_dimension: Annotated[int, Field(ge=2, multiple_of=2)] = 48
    popularity_dimension: PositiveInt = 16
    history_length: PositiveInt = 50
    taste_from_mean: NonNegativeFloat = 6.0  # initial weight of the history's mean in a user's taste; 0: no such part
    order_decay: Share = 0.0  # 0: the newest post asks the attention; else the history's mean, older posts so much less
    text_scale: PositiveFloat = 1.0  # initial scale of the text relative to the id embedding
    id_dropout: Share = 0.5  # share of posts that a batch treats as new
    history_id_dropout: Share | None = None  # the same of posts in histories, drawn apart; none: the candidates' draw
    word_dropout: Share = 0.2  # share of a post's words that a batch leaves out
    dropout: Share = 0.1
    packs_histories: bool = False  # no arithmetic on padding: much faster in large batches, last digits differ
    threads: PositiveInt = 1  # of torch; one more prepares batches. Another number gives other last digits
    new_post_bonus: Share = 0.0  # added to the score (-1..1) of a post without interactions

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file; a key that it does not set has its default. TrainingConfigError if it cannot be used."""
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TrainingConfigError(f"{path} is missing: check --config") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TrainingConfigError(f"{path} is not valid TOML: {error}") from error
        try:
            # Strict validation of JSON accepts an int for a float, and nothing else of another type.
            return TypeAdapter(cls).validate_json(json.dumps(document, default=str))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            if first["type"] == "unexpected_keyword_argument":
                allowed = ", ".join(field.name for field in fields(cls))
                raise TrainingConfigError(f"{path}: unknown key {key}; the keys are {allowed}") from error
            reason = first["msg"].replace("Input should be", "must be")
            raise TrainingConfigError(f"{path}: {key} is {first['input']!r}, {reason}") from error
