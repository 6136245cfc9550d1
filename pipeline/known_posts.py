"""Methods that know only the posts that were made before a split, though its arrays have places for later ones too."""

import numpy as np
from numpy.typing import NDArray

from pipeline.crowd_baselines import Method
from pipeline.dataset import Dataset
from pipeline.ranking import Recommender, Scores
from pipeline.splits import Split


def known_at(split: Split) -> Dataset:
    """The split's past without the posts that were made later; a split without a day has none."""
    return split.past if split.day is None else split.past.made_before(split.day)


def learn_from(split: Split, known: Dataset, method: Method) -> Recommender:
    """Let a method learn from ``known_at(split)``, and score all posts; those made later, which nobody ranks, get 0.

    Texts of later posts would otherwise decide which words a model knows.
    """
    past, day = split.past, split.day
    if day is None:
        return method(known)
    rows = np.searchsorted(past.post_ids, known.post_ids)
    recommend = method(known)

    def among_all(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        scores = np.zeros((len(user_rows), len(past.post_ids)), dtype=np.float32)
        scores[:, rows] = recommend(known if shown is past else shown.made_before(day), user_rows)
        return scores

    return among_all
