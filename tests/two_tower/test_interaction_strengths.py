"""The strengths that serving gives one person's interactions are those of the pipeline, to the last bit."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.verbs import VERBS
from pipeline.score import score_frame
from two_tower.interaction_strengths import SKIP_STRENGTH, STRENGTHS, PersonEvent, RatingScale, score_person

events = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(VERBS), st.integers(0, 4), st.integers(1, 100)),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=25)
@given(rows=events)
def test_one_person_is_scored_as_the_pipeline_scores_everybody(rows: list[tuple[int, str, int, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["post_id", "verb", "second", "percent"])
    frame["rating_percent"] = frame["percent"].where(frame["verb"] == "rating").astype("Int16")
    frame["at"] = pd.to_datetime(frame["second"], unit="s", utc=True)
    expected = score_frame(frame.assign(user_id=1))
    ratings = frame["rating_percent"].dropna().to_numpy(dtype=np.float64)
    scale = RatingScale(float(ratings.mean()), float(ratings.var())) if len(ratings) else RatingScale()
    scored = score_person(
        [
            PersonEvent(post_id, verb, 1000 * second, percent if verb == "rating" else None)
            for post_id, verb, second, percent in rows
        ],
        scale,
    )
    assert scored.post_ids.tolist() == expected["post_id"].tolist()
    assert [VERBS[number] for number in scored.verbs] == expected["verb"].tolist()
    np.testing.assert_array_max_ulp(scored.strengths, expected["strength"].to_numpy(dtype=np.float32), maxulp=1)
    assert scored.moments.tolist() == (expected["last_at"].astype("int64")).tolist()


def test_a_skip_is_a_weaker_view_and_never_weakens_one() -> None:
    skip = PersonEvent(1, "view", 0, strength=SKIP_STRENGTH)
    (alone,) = score_person([skip], RatingScale()).strengths
    (after_a_view,) = score_person([skip, PersonEvent(1, "view", 1)], RatingScale()).strengths
    assert 0 < alone < STRENGTHS["view"]
    assert after_a_view == np.float32(STRENGTHS["view"])


def test_nobody_who_did_nothing_has_events() -> None:
    assert len(score_person([], RatingScale()).post_ids) == 0
