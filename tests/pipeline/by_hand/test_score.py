"""The table of strengths and how signs add up, in numbers."""

import math

import pandas as pd
import pytest

from pipeline.score import RATING_SPREAD, SHRINKAGE, STRENGTHS, score_frame

START = pd.Timestamp("2026-01-01", tz="UTC")
Row = tuple[int, int, str, int | None]


def frame(*rows: Row) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "post_id", "verb", "rating_percent"])
    table["at"] = [START + pd.Timedelta(hours=number) for number in range(len(table))]
    return table.astype({"rating_percent": "Int16"})


def event_strengths(interactions: pd.DataFrame) -> "pd.Series[float]":
    """The strength of each event: that of a pair with no other event."""
    alone = score_frame(interactions.assign(post_id=range(len(interactions))))
    return alone.set_index("post_id")["strength"].reindex(range(len(interactions)))


def strength_of(*rows: Row) -> float:
    return float(score_frame(frame(*rows))["strength"].iloc[0])


def test_the_table_of_strengths() -> None:
    assert STRENGTHS == {"view": 0.2, "rating": 0.5, "like": 0.8, "inspire": 1.0}
    assert (RATING_SPREAD, SHRINKAGE) == (0.4, 3.0)


@pytest.mark.parametrize(
    ("verbs", "strength"),
    [
        (("view",), 0.2),
        (("like",), 0.8),
        (("inspire",), 1.0),
        (("view", "view", "view"), 0.2),
        (("view", "like"), 1 - 0.8 * 0.2),
        (("like", "view", "inspire"), 1.0),
    ],
)
def test_signs_add_up_as_doubts_multiply(verbs: tuple[str, ...], strength: float) -> None:
    assert strength_of(*((1, 1, verb, None) for verb in verbs)) == pytest.approx(strength, abs=2e-6)


def test_of_several_ratings_the_strongest_counts_beside_the_other_signs() -> None:
    rows: tuple[Row, ...] = ((1, 1, "rating", 10), (1, 1, "rating", 90), (1, 1, "view", None))
    strongest = float(event_strengths(frame(*rows)).iloc[1])
    assert strength_of(*rows) == pytest.approx(1 - 0.8 * (1 - strongest), abs=1e-6)


def test_a_rating_is_measured_in_its_users_own_deviations_shrunk_to_everybodys() -> None:
    rows: tuple[Row, ...] = ((1, 1, "rating", 80), (1, 2, "rating", 60), (2, 1, "rating", 40), (2, 2, "view", None))
    found = event_strengths(frame(*rows)).tolist()
    overall_mean = 60.0
    overall_variance = (20**2 + 0 + 20**2) / 3
    mean = (140 + 3 * overall_mean) / 5
    variance = ((80 - mean) ** 2 + (60 - mean) ** 2 + 3 * overall_variance) / 5
    expected = [0.5 + 0.4 * math.tanh((percent - mean) / math.sqrt(variance)) for percent in (80, 60)]
    mean = (40 + 3 * overall_mean) / 4
    variance = ((40 - mean) ** 2 + 3 * overall_variance) / 4
    expected += [0.5 + 0.4 * math.tanh((40 - mean) / math.sqrt(variance)), 0.2]
    assert found == pytest.approx(expected, abs=1e-6)


def test_ratings_that_never_differ_say_the_middle() -> None:
    assert event_strengths(frame((1, 1, "rating", 70), (1, 2, "rating", 70))).tolist() == [0.5, 0.5]


def test_a_deviation_is_at_least_one_percent() -> None:
    rows: tuple[Row, ...] = tuple((1, post, "rating", 50 + post % 2) for post in range(1, 9))
    assert event_strengths(frame(*rows)).tolist() == pytest.approx(
        [0.5 + 0.4 * math.tanh(0.5), 0.5 - 0.4 * math.tanh(0.5)] * 4
    )


def test_pairs_are_sorted_by_user_last_moment_and_post() -> None:
    scores = score_frame(frame((2, 9, "view", None), (1, 5, "view", None), (1, 3, "like", None), (1, 5, "view", None)))
    assert scores[["user_id", "post_id"]].to_numpy().tolist() == [[1, 3], [1, 5], [2, 9]]
    assert scores["event_count"].tolist() == [1, 2, 1]
    assert scores["first_at"].tolist() == [START + pd.Timedelta(hours=hour) for hour in (2, 1, 0)]
    assert scores["last_at"].tolist() == [START + pd.Timedelta(hours=hour) for hour in (2, 3, 0)]
