"""Which months are replayed, and which logs are refused."""

from dataclasses import replace

import pytest

from pipeline.evaluation import EvaluationError
from pipeline.live_evaluation.months import rolling_months
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log

DAY = 1440


def test_the_last_window_ends_the_log_and_the_others_begin_a_month_earlier_each() -> None:
    dataset = made_up_log([Met(0, 0, 0), Met(0, 1, 30 * DAY), Met(0, 2, 100 * DAY)])
    oldest, newest = rolling_months(dataset, count=2)
    assert newest.split_day == pytest.approx(65.0)
    assert newest.end_day >= dataset.end_day
    assert newest.split_day - oldest.split_day == pytest.approx(30.4)
    assert oldest.end_day - oldest.split_day == pytest.approx(35.0)


def test_a_month_needs_four_weeks_of_interactions_before_it() -> None:
    events = [Met(0, 0, 0), Met(0, 1, 28 * DAY), Met(0, 2, 90 * DAY)]
    assert len(rolling_months(made_up_log(events), count=6)) == 1
    events[1] = Met(0, 1, 28 * DAY - 1)
    with pytest.raises(EvaluationError, match=r"span 90 days.*at least 28 days before"):
        rolling_months(made_up_log(events), count=6)


def test_data_without_a_clock_is_refused_with_the_reason_and_what_to_run() -> None:
    dataset = replace(made_up_log([Met(0, 0, 0), Met(0, 1, 90 * DAY)]), is_timed=False)
    with pytest.raises(EvaluationError, match=r"order but no timestamps.*`moodfeed evaluate` without it"):
        rolling_months(dataset)


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(EvaluationError, match="span 0 days"):
        rolling_months(made_up_log([]))
