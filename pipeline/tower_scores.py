"""What trained towers say of all posts, alone or blended with what is popular, at the end of a dataset."""

import numpy as np
from numpy.typing import NDArray

from bundle.blend import SESSION_MS, Blend
from pipeline.blend_weights import BlendWeights
from pipeline.blended_scores import CrowdShares
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.live_evaluation.steps import Steps
from pipeline.mood_balance import typical_users
from pipeline.popularity import lasting_popularity, trend
from pipeline.ranking import Recommender, Scores
from pipeline.trained_towers import TrainedTowers

_TREND_DAYS = 7.0
_MILLISECONDS_A_DAY = 86_400_000


class TowerScores:
    """The inner products of users and posts at the end of a dataset, and their spread."""

    def __init__(self, towers: TrainedTowers, past: Dataset) -> None:
        self._towers, self.past = towers, past
        self._posts = encode_posts(towers, past)
        self.spread = spread_of(self._posts.embeddings, self.users(past, typical_users(past)))

    def users(self, shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, tower dimension]."""
        return encode_users(self._towers, shown, self._posts, user_rows)

    def scores(self, shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        """float32 [users, posts]."""
        return self.users(shown, user_rows) @ self._posts.embeddings.T

    def blended(self, weights: BlendWeights) -> Recommender:
        """Rank by the blend with some weights, as of the end of ``past``."""
        past, blend = self.past, weights.blend(self.spread)
        crowd = CrowdShares(blend, trend(past, days=_TREND_DAYS), lasting_popularity(past), past.category_rows)
        steps = Steps(past) if past.is_timed and blend.popularity else None

        def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
            scores = self.scores(shown, user_rows)
            for place, user in enumerate(user_rows.tolist()):
                pairs = shown.pairs
                own = slice(pairs.offsets[user], pairs.offsets[user + 1])
                history, expected = pairs.post_rows[own], None
                if steps and len(history) and is_in_session(past.end_day, float(pairs.days[own.stop - 1])):
                    expected = next_shares(blend, steps, int(history[-1]), day=past.end_day)
                scores[place] = crowd.numbers(scores[place], history, expected)
            return scores

        return recommend


def next_shares(blend: Blend, steps: Steps, newest: int, *, day: float) -> NDArray[np.float64]:
    """What is expected after a person's newest post, from the steps before a day: float64 [posts]."""
    return blend.next_shares(steps.follower_counts(newest, day=day), steps.order_shares(newest, day=day))


def is_in_session(day: float, newest_day: float) -> bool:
    """Whether a person whose newest interaction was on a day is in a session; both in days since 1970."""
    return (day - newest_day) * _MILLISECONDS_A_DAY < SESSION_MS


def spread_of(posts: NDArray[np.float32], users: NDArray[np.float32]) -> float:
    """The standard deviation of users' scores over the posts, a mean over users; 1 without either."""
    if not len(users) or len(posts) < 2:
        return 1.0
    return float(np.mean([(posts @ user).std() for user in users]))
