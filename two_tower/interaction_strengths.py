"""How strong an interaction is, and how the interactions of one person with one post become one event of a history.

The offline pipeline applies the rule to all people at once (pipeline/score.py in SQL, pipeline/pairs.py in NumPy), and
serving applies it to one person here; tests hold the results equal.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.verbs import verb_numbers

STRENGTHS = {
    "view": 0.2,  # the post was on the screen
    "rating": 0.5,  # a rating at the user's own mean; 0.1 for the lowest ratings, 0.9 for the highest
    "like": 0.8,
    "inspire": 1.0,
}
"""Strength of one event of each verb, 0 to 1."""

SKIP_STRENGTH = 0.05
"""A skipped post counts as a weak view: it was on the screen, and not for long."""

BY_STRENGTH = ("view", "rating", "like", "inspire")  # of verbs that are equally strong the first gives its name
RATING_SPREAD = 0.4  # largest difference in strength between a user's extreme rating and mean rating
SHRINKAGE = 3.0  # weight of the overall mean, in ratings, so that a single rating has little influence
NEAREST_TO_ONE = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class RatingScale:
    """The mean and the variance of everybody's ratings, in percent: what one person's ratings are compared with."""

    mean: float = 50.5
    variance: float = 99**2 / 12
    """By default those of ratings that are spread evenly over 1 to 100: a bundle does not say more."""


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """One interaction of a person: its verb of bundle.verbs, its moment in milliseconds since 1970.

    ``strength`` takes the place of that of the verb, as for a skipped post; a rating has ``rating_percent``, 1 to 100.
    """

    post_id: int
    verb: str
    moment: int
    rating_percent: int | None = None
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class ScoredEvents:
    """One event for each post, oldest first, as a bundle's histories hold them.

    ``post_ids`` int64, ``verbs`` int8 (positions in bundle.verbs.VERBS), ``strengths`` float32 in 0..1, ``moments``
    int64 (milliseconds since 1970, of the last interaction with the post), all [events].
    """

    post_ids: NDArray[np.int64]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    moments: NDArray[np.int64]


def score_person(events: Sequence[PersonEvent], scale: RatingScale) -> ScoredEvents:
    """Combine one person's interactions with each post: 1 - the product of (1 - strength) over the strongest of a verb.

    Posts are ordered by their last interaction, then by id. The strength of a rating is relative to the person's other
    ratings.
    """
    rate = _rater([event.rating_percent for event in events if event.rating_percent is not None], scale)
    of_posts: dict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(BY_STRENGTH, 0.0))
    last_moments: dict[int, int] = {}
    for event in events:
        strengths = of_posts[event.post_id]
        strengths[event.verb] = max(strengths[event.verb], _strength_of(event, rate))
        last_moments[event.post_id] = max(event.moment, last_moments.get(event.post_id, event.moment))
    ordered = sorted(last_moments, key=lambda post_id: (last_moments[post_id], post_id))
    return ScoredEvents(
        post_ids=np.array(ordered, dtype=np.int64),
        verbs=verb_numbers([max(BY_STRENGTH, key=of_posts[post_id].__getitem__) for post_id in ordered]),
        strengths=np.array([_together(of_posts[post_id]) for post_id in ordered], dtype=np.float32),
        moments=np.array([last_moments[post_id] for post_id in ordered], dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Rater:
    mean: float
    deviation: float

    def strength_of(self, percent: int) -> float:
        return STRENGTHS["rating"] + RATING_SPREAD * math.tanh((percent - self.mean) / self.deviation)


def _rater(percents: Sequence[int], scale: RatingScale) -> _Rater:
    count, total = len(percents), float(sum(percents))
    squares = float(sum(percent * percent for percent in percents))
    mean = (total + SHRINKAGE * scale.mean) / (count + SHRINKAGE)
    spread = squares - 2 * mean * total + count * mean**2 + SHRINKAGE * scale.variance
    return _Rater(mean, max(1.0, math.sqrt(max(0.0, spread / (count + SHRINKAGE)))))


def _strength_of(event: PersonEvent, rater: _Rater) -> float:
    if event.strength is not None:
        return event.strength
    return STRENGTHS[event.verb] if event.rating_percent is None else rater.strength_of(event.rating_percent)


def _together(strengths: dict[str, float]) -> float:
    doubt = 1.0
    for verb in BY_STRENGTH:
        doubt *= 1 - min(strengths[verb], NEAREST_TO_ONE)
    return 1 - doubt
