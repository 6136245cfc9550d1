"""The training settings that suit the data where no file of settings is named, and a sentence that says why."""

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.data_facts import DataFacts, Order, read_facts
from pipeline.dataset import LONG_HISTORY
from pipeline.training_config import TrainingConfig

LARGE_FROM = 1_000_000  # interactions
LARGE = TrainingConfig(batch_size=1024, learning_rate=3e-3, packs_histories=True, threads=2, validation_share=0.005)
"""The settings of configs/large.toml; docs/scale.md has the measurements."""

SHORT_WITHOUT_CLOCK = TrainingConfig(
    epochs=12,
    batch_size=1024,
    learning_rate=2e-3,
    weight_decay=0.01,
    temperature=0.08,
    uniform_negatives=2048,
    uniform_negatives_met=True,
    user_balance=0.0,
    validation_share=0.003,
    representation_dimension=128,
    popularity_dimension=7,
    history_length=20,
    taste_from_mean=0.0,
    order_decay=0.8,
    text_scale=0.1,
    id_dropout=0.3,
    history_id_dropout=0.0,
    dropout=0.5,
    packs_histories=True,
    new_post_bonus=0.03,
)
"""The settings of configs/microlens.toml, for short histories without a clock; docs/quality.md has the measurements."""

LONG = TrainingConfig(
    epochs=4,
    batch_size=1024,
    learning_rate=1e-2,
    temperature=0.1,
    uniform_negatives=2048,
    user_balance=0.0,
    validation_share=0.02,
    representation_dimension=64,
    history_length=200,
    text_scale=0.1,
    id_dropout=0.1,
    packs_histories=True,
)
"""For long histories; docs/quality.md has the measurements."""

FEW_BELOW = 50_000  # interactions, of which ``LONG`` would make too few steps
FEW_EPOCHS, FEW_BATCH = 6, 256

WITH_TEXTS_FROM = 0.5  # share of posts with a text


@dataclass(frozen=True, slots=True)
class SuitedSettings:
    """The settings, and a sentence that says what was read of the data and what was chosen."""

    config: TrainingConfig
    sentence: str


def suited_settings(clean_directory: Path) -> SuitedSettings:
    """The settings that suit the clean tables; the defaults if there are no interactions yet."""
    facts = read_facts(clean_directory)
    if facts is None:
        return SuitedSettings(TrainingConfig(), "Settings: the defaults, as there are no interactions to read.")
    return suited_to(facts)


def suited_to(facts: DataFacts) -> SuitedSettings:
    """The settings for long histories, for short ones without a clock, for many interactions, else the defaults."""
    is_large, is_small = facts.interactions >= LARGE_FROM, facts.interactions < FEW_BELOW
    config, chosen = (
        (LARGE, "those for a million interactions or more") if is_large else (TrainingConfig(), "the defaults")
    )
    if facts.median_history >= LONG_HISTORY:
        config = replace(LONG, epochs=FEW_EPOCHS, batch_size=FEW_BATCH) if is_small else LONG
        chosen = f"those for long histories (the newest {config.history_length} posts, {config.epochs} epochs)"
    elif facts.order is not Order.CLOCK and not is_small:
        config = SHORT_WITHOUT_CLOCK
        chosen = f"those for short histories without a clock ({config.epochs} epochs)"
    if is_large:
        config = replace(
            config,
            threads=LARGE.threads,
            validation_share=LARGE.validation_share,
            packs_histories=LARGE.packs_histories,
        )
    if facts.with_text < WITH_TEXTS_FROM:
        config = replace(config, id_dropout=0.0)
        chosen += "; ids alone, as few posts have a text"
    if facts.order is Order.NONE:
        chosen += "; note that the newest post of such rows is not the newest in time"
    return SuitedSettings(config, f"Settings: {chosen}. The data has {_described(facts)}.")


def _described(facts: DataFacts) -> str:
    return (
        f"{facts.interactions:,} interactions, a median of {facts.median_history:g} posts a person, {facts.order}, "
        f"and texts of {facts.with_text:.0%} of {facts.posts:,} posts"
    )
