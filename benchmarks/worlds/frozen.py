"""Rows 2, 7 and 8: how well methods that learn before the split alone foretell the window after it."""

from dataclasses import replace

import numpy as np
from implicit.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.worlds.records import Floats, Records
from benchmarks.worlds.windows import Window, counts_of_days, mean_of_windows, ndcg_of_people, trend

_LAST_PAIRS, _SHRINKAGE = 10, 5.0
_ALS_CONFIDENCE, _POSTS_PER_FACTOR = 40.0, 32


def measure_popularity(records: Records, windows: tuple[Window, ...]) -> dict[str, float]:
    """NDCG@10 of last-month popularity, and that of other counts and of the best list in hindsight relative to it."""

    def of(score: list[Floats]) -> float:
        return mean_of_windows([ndcg_of_people(window, each) for window, each in zip(windows, score, strict=True)])

    month = of([counts_of_days(records, window.split, 30) for window in windows])
    found = {"ndcg of last month": month}
    for name, days in (("60 d", 60.0), ("14 d", 14.0), ("7 d", 7.0), ("all time", 1e5)):
        found[f"{name} / last month"] = of([counts_of_days(records, each.split, days) for each in windows]) / month
    found["3-day decay / last month"] = of([trend(records, window.split, 3) for window in windows]) / month
    # The best list knows the window, so it may hold posts that were made in it.
    knowing = [replace(window, candidates=window.candidates | (records.created >= window.split)) for window in windows]
    best = [window.targets.sum(axis=0).astype(np.float64) for window in windows]
    hindsight = mean_of_windows([ndcg_of_people(window, each) for window, each in zip(knowing, best, strict=True)])
    return found | {"best list in hindsight / last month": hindsight / month}


def measure_personal(records: Records, windows: tuple[Window, ...], likeness: NDArray[np.float32]) -> dict[str, float]:
    """NDCG@10 of personal methods relative to last-month popularity, for people with a history."""
    results: dict[str, list[Floats]] = {}
    for window in windows:
        rows = np.flatnonzero(window.has_history)
        met = _met(records, window)
        history = met[window.people[rows]]
        month = counts_of_days(records, window.split, 30)
        scores = {
            "popularity": np.broadcast_to(month, history.shape),
            "item-kNN": history @ _cosines(met),
            "ALS": _als(met, window.people[rows]),
            "content": history @ likeness,  # the sum ranks as the mean does
            "category affinity": category_affinity(records, window, rows) * trend(records, window.split, 14),
        }
        for name, score in scores.items():
            full = np.zeros(window.candidates.shape)
            full[rows] = score
            results.setdefault(name, []).append(ndcg_of_people(window, full)[rows])
    means = {name: mean_of_windows(values) for name, values in results.items()}
    return {
        f"{name} / popularity": value / means["popularity"] for name, value in means.items() if name != "popularity"
    }


def category_affinity(records: Records, window: Window, rows: NDArray[np.int64]) -> Floats:
    """(n_c + k p_c) / (n + k) of each post's category over a person's last ten pairs: [people, posts]."""
    numbers, categories = np.unique(records.categories, return_inverse=True)
    crowd = np.bincount(categories, trend(records, window.split, 14), minlength=len(numbers)).astype(np.float64)
    crowd /= max(float(crowd.sum()), 1e-12)
    affinities = np.empty((len(rows), len(numbers)))
    past_users = np.where(window.past, records.pairs.users, -1)
    for number, row in enumerate(rows):
        last = np.flatnonzero(past_users == window.people[row])[-_LAST_PAIRS:]
        counts = np.bincount(categories[records.pairs.posts[last]], minlength=len(numbers))
        affinities[number] = (counts + _SHRINKAGE * crowd) / (len(last) + _SHRINKAGE)
    return affinities[:, categories]


def _met(records: Records, window: Window) -> csr_matrix:
    users, posts = records.pairs.users[window.past], records.pairs.posts[window.past]
    shape = (len(records.is_admin), len(records.created))
    return csr_matrix((np.ones(len(users), dtype=np.float32), (users, posts)), shape=shape)


def _cosines(met: csr_matrix) -> NDArray[np.float32]:
    together = np.asarray((met.T @ met).toarray())
    norms = np.sqrt(np.maximum(together.diagonal(), 1))
    np.fill_diagonal(together, 0)
    return np.asarray(together / norms[:, None] / norms)


def _als(met: csr_matrix, people: NDArray[np.int64]) -> NDArray[np.float32]:
    factors = int(np.clip(met.shape[1] // _POSTS_PER_FACTOR, 8, 256))
    with threadpool_limits(1, "blas"):  # the library's threads and those of BLAS compete for the cores
        model = AlternatingLeastSquares(factors=factors, random_state=0, num_threads=1, iterations=15)
        model.fit(_ALS_CONFIDENCE * met, show_progress=False)
        return np.asarray(np.asarray(model.user_factors)[people] @ np.asarray(model.item_factors).T)
