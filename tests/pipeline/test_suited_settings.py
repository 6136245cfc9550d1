"""The settings that a training takes where no file of settings is named, and the sentence that says why."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.data_facts import DataFacts, Order, read_facts
from pipeline.dataset import LONG_HISTORY
from pipeline.suited_settings import (
    FEW_BELOW,
    LARGE,
    LARGE_FROM,
    LONG,
    SHORT_WITHOUT_CLOCK,
    suited_settings,
    suited_to,
)
from pipeline.tables import CLOCK, INTERACTIONS_FILE, NO_CLOCK, POSTS_FILE
from pipeline.training_config import TrainingConfig

CONFIGS = Path(__file__).parents[2] / "configs"


def facts(
    *, interactions: int = 100_000, median: float = 3.0, order: Order = Order.CLOCK, with_text: float = 1.0
) -> DataFacts:
    return DataFacts(interactions, posts=1_000, median_history=median, order=order, with_text=with_text)


def write_tables(directory: Path, rows: list[tuple[int, int, float]], *, timed: bool, texts: list[str]) -> None:
    """Rows of user, post, and the day or the position."""
    table = pd.DataFrame(rows, columns=["user_id", "post_id", "moment"])
    days = pd.to_datetime((table["moment"] * 86_400_000).astype("int64"), unit="ms", utc=True)
    table["at"] = days.astype("datetime64[ms, UTC]") if timed else pd.Series(pd.NaT, table.index, "datetime64[ms, UTC]")
    table["position"] = pd.Series(pd.NA, table.index, "Int32") if timed else table["moment"].astype("Int32")
    written = pa.Table.from_pandas(table.drop(columns="moment"), preserve_index=False)
    pq.write_table(written.replace_schema_metadata({} if timed else {CLOCK: NO_CLOCK}), directory / INTERACTIONS_FILE)
    pd.DataFrame({"post_id": range(1, len(texts) + 1), "summary_text": texts}).to_parquet(directory / POSTS_FILE)


def test_the_settings_with_a_file_are_those_of_their_file() -> None:
    assert TrainingConfig.read(CONFIGS / "large.toml") == LARGE
    assert TrainingConfig.read(CONFIGS / "microlens.toml") == SHORT_WITHOUT_CLOCK


@pytest.mark.parametrize("order", [Order.PLACES, Order.SHORT_CLOCK, Order.NONE])
def test_short_histories_without_a_clock_are_trained_with_the_settings_for_them(order: Order) -> None:
    suited = suited_to(facts(order=order))
    assert suited.config == SHORT_WITHOUT_CLOCK
    assert "short histories without a clock" in suited.sentence
    assert suited_to(facts(order=order, interactions=FEW_BELOW - 1)).config == TrainingConfig()
    large = suited_to(facts(order=order, interactions=LARGE_FROM)).config
    assert (large.text_scale, large.threads, large.packs_histories) == (SHORT_WITHOUT_CLOCK.text_scale, 2, True)


@pytest.mark.parametrize(("interactions", "wanted"), [(LARGE_FROM - 1, TrainingConfig()), (LARGE_FROM, LARGE)])
def test_a_million_interactions_are_trained_with_the_settings_for_large_data(
    interactions: int, wanted: TrainingConfig
) -> None:
    assert suited_to(facts(interactions=interactions)).config == wanted


@pytest.mark.parametrize(("median", "wanted"), [(LONG_HISTORY - 0.5, TrainingConfig()), (LONG_HISTORY, LONG)])
def test_long_histories_are_trained_with_the_settings_for_them(median: float, wanted: TrainingConfig) -> None:
    suited = suited_to(facts(median=median))
    assert suited.config == wanted
    assert f"a median of {median:g} posts a person" in suited.sentence


def test_long_histories_stay_long_in_large_data() -> None:
    config = suited_to(facts(interactions=LARGE_FROM, median=LONG_HISTORY)).config
    assert (config.history_length, config.threads, config.validation_share) == (LONG.history_length, 2, 0.005)


@pytest.mark.parametrize(("interactions", "steps"), [(FEW_BELOW - 1, 6 * 195), (FEW_BELOW, 4 * 49)])
def test_few_long_histories_get_more_and_smaller_batches(interactions: int, steps: int) -> None:
    config = suited_to(facts(interactions=interactions, median=LONG_HISTORY)).config
    assert config.epochs * round(interactions / config.batch_size) == steps


@pytest.mark.parametrize("median", [3.0, 80.0])
def test_without_texts_ids_are_never_left_out(median: float) -> None:
    suited = suited_to(facts(median=median, with_text=0.4))
    assert suited.config.id_dropout == 0
    assert "ids alone" in suited.sentence
    assert suited_to(facts(median=median, with_text=0.6)).config.id_dropout > 0


def test_without_a_table_the_settings_are_the_defaults(tmp_path: Path) -> None:
    suited = suited_settings(tmp_path)
    assert suited.config == TrainingConfig()
    assert suited.sentence == "Settings: the defaults, as there are no interactions to read."


def test_the_sentence_says_what_was_read_and_what_was_chosen() -> None:
    assert suited_to(facts(median=74.0, order=Order.PLACES, with_text=0.995)).sentence == (
        f"Settings: those for long histories (the newest 200 posts, {LONG.epochs} epochs). The data has 100,000 "
        "interactions, a median of 74 posts a person, an order without timestamps, and texts of 100% of 1,000 posts."
    )


def test_the_median_counts_each_post_of_a_person_once(tmp_path: Path) -> None:
    rows = [(1, 1, 0.0), (1, 1, 5.0), (1, 2, 40.0), (2, 1, 3.0), (3, 2, 1.0), (3, 1, 2.0), (3, 3, 4.0)]
    write_tables(tmp_path, rows, timed=True, texts=["a", " ", "b"])
    assert read_facts(tmp_path) == DataFacts(7, 3, 2.0, Order.CLOCK, pytest.approx(2 / 3))


def test_a_clock_of_less_than_four_weeks_is_told_apart(tmp_path: Path) -> None:
    for days, order in ((27.9, Order.SHORT_CLOCK), (28.0, Order.CLOCK)):
        write_tables(tmp_path, [(1, 2, 0.0), (2, 1, days)], timed=True, texts=["a", "b"])
        found = read_facts(tmp_path)
        assert found
        assert found.order is order


def test_rows_sorted_by_post_have_no_order(tmp_path: Path) -> None:
    ascending = [(user, post, place) for user in (1, 2) for place, post in enumerate(range(1, 80))]
    write_tables(tmp_path, ascending, timed=False, texts=["a"] * 79)
    found = read_facts(tmp_path)
    assert found
    assert found.order is Order.NONE
    assert "is not the newest in time" in suited_to(found).sentence
    write_tables(tmp_path, [(user, 80 - post, at) for user, post, at in ascending], timed=False, texts=["a"] * 79)
    found = read_facts(tmp_path)
    assert found
    assert found.order is Order.PLACES


def test_a_table_that_cannot_be_read_gives_the_defaults(tmp_path: Path) -> None:
    pd.DataFrame({"user_id": [1]}).to_parquet(tmp_path / INTERACTIONS_FILE)
    assert suited_settings(tmp_path).config == TrainingConfig()
