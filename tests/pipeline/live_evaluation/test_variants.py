"""Up to when each variant knows the crowd and the person."""

import numpy as np
import pytest

from pipeline.live_evaluation.variants import Variant

DAYS = np.array([10.25, 10.75, 11.0, 12.5])


@pytest.mark.parametrize(
    ("variant", "crowd", "person"),
    [
        (Variant.FROZEN, [10.1, 10.1, 10.1, 10.1], [10.1, 10.1, 10.1, 10.1]),
        (Variant.DAILY, [10.1, 10.1, 11.0, 12.0], [10.1, 10.1, 11.0, 12.0]),
        (Variant.DAILY_LIVE_HISTORY, [10.1, 10.1, 11.0, 12.0], DAYS.tolist()),
        (Variant.LIVE, DAYS.tolist(), DAYS.tolist()),
    ],
)
def test_knowledge_is_of_the_split_of_midnight_or_of_the_moment(
    variant: Variant, crowd: list[float], person: list[float]
) -> None:
    assert variant.crowd_days(DAYS, 10.1).tolist() == crowd
    assert variant.person_days(DAYS, 10.1).tolist() == person
