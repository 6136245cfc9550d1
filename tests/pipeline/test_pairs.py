"""Pairs from arrays beside the scores from tables."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.verbs import VERBS, verb_numbers
from pipeline.events import Events
from pipeline.pairs import Pairs
from pipeline.score import score_frame
from tests.pipeline.by_hand.tiny_dataset import moments
from tests.pipeline.interaction_rows import POST_IDS, USER_IDS, table

row = st.tuples(
    st.sampled_from(USER_IDS.tolist()),
    st.sampled_from(POST_IDS.tolist()),
    st.sampled_from(VERBS),
    st.integers(0, 50),
    st.integers(1, 100),
)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=40))
def test_pairs_are_what_the_scores_say(rows: list[tuple[int, int, str, int, int]]) -> None:
    frame = table(rows)
    pairs = Pairs.of(
        Events.of_frame(frame, user_ids=USER_IDS, post_ids=POST_IDS),
        user_count=len(USER_IDS),
        post_count=len(POST_IDS),
    )
    scores = score_frame(frame).sort_values(["user_id", "first_at", "post_id"], ignore_index=True)
    assert USER_IDS[pairs.user_rows].tolist() == scores["user_id"].tolist()
    assert POST_IDS[pairs.post_rows].tolist() == scores["post_id"].tolist()
    assert pairs.verbs.tolist() == verb_numbers(scores["verb"].tolist()).tolist()
    np.testing.assert_allclose(pairs.strengths, scores["strength"], rtol=1e-5, atol=1e-6)
    assert moments(pairs.days.tolist()).tolist() == scores["first_at"].tolist()
    lengths = scores["user_id"].value_counts().reindex(USER_IDS, fill_value=0)
    assert np.diff(pairs.offsets).tolist() == lengths.tolist()


def test_no_events_are_no_pairs() -> None:
    pairs = Pairs.of(Events.of_frame(table([]), user_ids=USER_IDS, post_ids=POST_IDS), user_count=4, post_count=5)
    assert len(pairs) == 0
    assert pairs.offsets.tolist() == [0] * 5
