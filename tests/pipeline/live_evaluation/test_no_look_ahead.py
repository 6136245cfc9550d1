"""Nothing that happens at a moment or later changes what any method ranks at that moment, in any variant."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset import Dataset
from pipeline.live_evaluation.live_baselines import SortKeys
from pipeline.live_evaluation.live_model import LiveModel
from pipeline.live_evaluation.months import Month
from pipeline.live_evaluation.ranks import Candidates
from pipeline.live_evaluation.replay import METHODS, Log, rankings_of
from pipeline.live_evaluation.sessions import Moments, first_signs
from pipeline.live_evaluation.variants import Variant
from tests.pipeline.live_evaluation.made_up_log import Met, day_of, made_up_log
from tests.pipeline.live_evaluation.random_logs import (
    CATEGORIES,
    DAY,
    LONG_AGO,
    SPLIT_DAY,
    earlier,
    events,
    restless_towers,
)

MONTH = Month(SPLIT_DAY, SPLIT_DAY + 35)


def asked_of_everybody(dataset: Dataset, minute: int) -> Moments:
    """One moment at which each of the four people asks."""
    return Moments(
        user_rows=np.arange(4),
        post_rows=np.zeros(4, dtype=np.int64),
        days=np.full(4, day_of(minute)),
        existing_since=first_signs(dataset),
        is_first=np.ones(4, dtype=np.bool_),
        exists=np.ones(4, dtype=np.bool_),
        session_targets=(np.zeros(0, dtype=np.int64),) * 4,
        is_new=np.ones(4, dtype=np.bool_),
        drawn_people=4,
        people=4,
    )


def ranked(dataset: Dataset, minute: int, variant: Variant) -> list[tuple[Candidates, list[SortKeys]]]:
    past = dataset.made_before(SPLIT_DAY)
    model = LiveModel(restless_towers(), past=past, dataset=dataset)
    moments = asked_of_everybody(dataset, minute)
    return [
        (candidates, rankings) for _, candidates, rankings in rankings_of(Log(dataset), moments, MONTH, variant, model)
    ]


def assert_the_same(
    found: list[tuple[Candidates, list[SortKeys]]], others: list[tuple[Candidates, list[SortKeys]]]
) -> None:
    for (candidates, rankings), (other_candidates, other_rankings) in zip(found, others, strict=True):
        assert candidates.are_candidates.tolist() == other_candidates.are_candidates.tolist()
        known = candidates.are_candidates & candidates.are_known
        assert known.tolist() == (other_candidates.are_candidates & other_candidates.are_known).tolist()
        for method, ranking, other in zip(METHODS, rankings, other_rankings, strict=True):
            for column, other_column in zip(ranking, other, strict=True):
                assert np.allclose(column[known], other_column[known], rtol=1e-5, atol=1e-6), method


@st.composite
def two_futures(draw: st.DrawFn) -> tuple[int, Dataset, Dataset]:
    """A moment after the split, and two logs that are the same before it, in events and in posts made."""
    minute = draw(st.one_of(st.integers(30 * DAY, 33 * DAY), st.sampled_from([30 * DAY, 31 * DAY, 31 * DAY + 60])))
    before = [*LONG_AGO, *earlier(draw(events(0, 33 * DAY)), minute), *draw(events(minute - 20, minute - 1))]
    created = draw(st.lists(st.integers(0, minute - 1), min_size=5, max_size=5))
    are_later = draw(st.lists(st.booleans(), min_size=5, max_size=5))
    logs = []
    for _ in range(2):
        later = [draw(st.integers(minute, 34 * DAY)) for _ in range(5)]
        logs.append(
            made_up_log(
                [*before, *draw(events(minute, minute)), *draw(events(minute, minute + 90, max_size=6))],
                created_minutes=[
                    late if is_later else early for early, late, is_later in zip(created, later, are_later, strict=True)
                ],
                categories=CATEGORIES,
            )
        )
    return minute, logs[0], logs[1]


@pytest.mark.parametrize("variant", Variant)
@settings(max_examples=25, deadline=None)
@given(futures=two_futures())
def test_what_happens_at_the_moment_or_later_changes_no_ranking(
    variant: Variant, futures: tuple[int, Dataset, Dataset]
) -> None:
    minute, one, other = futures
    assert_the_same(ranked(one, minute, variant), ranked(other, minute, variant))


@settings(max_examples=25, deadline=None)
@given(futures=two_futures())
def test_what_happens_after_the_split_changes_nothing_that_the_towers_learn_from(
    futures: tuple[int, Dataset, Dataset],
) -> None:
    _, one, other = futures
    assert one.made_before(SPLIT_DAY).fingerprint() == other.made_before(SPLIT_DAY).fingerprint()


@pytest.mark.parametrize(
    ("variant", "seen_until"),
    [(Variant.FROZEN, 30 * DAY), (Variant.DAILY, 32 * DAY), (Variant.DAILY_LIVE_HISTORY, 32 * DAY)],
)
@settings(max_examples=15, deadline=None)
@given(before=events(0, 30 * DAY - 1), since=st.data())
def test_an_older_variant_sees_nothing_of_others_since_it_was_renewed(
    variant: Variant, seen_until: int, before: list[Met], since: st.DataObject
) -> None:
    minute = 32 * DAY + 600
    logs = []
    for _ in range(2):
        new = [event for event in since.draw(events(seen_until, minute - 1)) if event.user != 0]
        logs.append(made_up_log([*LONG_AGO, *before, *new], categories=CATEGORIES))
    asked = [ranked(log, minute, variant)[:1] for log in logs]  # of user 0, who did the same in both
    assert_the_same(*asked)


def test_a_ranking_does_change_with_what_happened_a_minute_before() -> None:
    """The towers and the baselines of this test read what they may: an insensitive method would pass anything."""
    minute = 32 * DAY + 600
    events_before = [*LONG_AGO, Met(0, 3, minute - 40), Met(2, 1, minute - 30), Met(2, 2, minute - 25)]
    one = ranked(made_up_log(events_before, categories=CATEGORIES), minute, Variant.LIVE)
    other = ranked(
        made_up_log(
            [*events_before, Met(0, 2, minute - 1), Met(3, 2, minute - 3), Met(3, 1, minute - 2)], categories=CATEGORIES
        ),
        minute,
        Variant.LIVE,
    )
    for method, ranking, changed in zip(METHODS, one[0][1], other[0][1], strict=True):
        assert not np.allclose(ranking.scores[[1, 4]], changed.scores[[1, 4]]), method
